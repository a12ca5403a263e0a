#include "client/rate_profile.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

namespace handshake::client {
namespace {

using std::chrono::nanoseconds;

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double Area(const RateStage& stage) { return Seconds(stage.length) * (stage.from + stage.to) / 2; }

double RateAt(const RateStage& stage, nanoseconds into) {
  return stage.from + (stage.to - stage.from) * Seconds(into) / Seconds(stage.length);
}

// Appends what of the stage, which begins at `begin`, lies from `from` to `to`.
void AppendPart(const RateStage& stage, nanoseconds begin, nanoseconds from, nanoseconds to,
                std::vector<RateStage>& parts) {
  from = std::max(from - begin, nanoseconds(0));
  to = std::min(to - begin, stage.length);
  if (from >= to) return;
  parts.push_back({.length = to - from, .from = RateAt(stage, from), .to = RateAt(stage, to)});
}

// Solves from * t + slope * t^2 / 2 = arrivals in the form that loses no digits for a small slope.
double SecondsInto(const RateStage& stage, double arrivals) {
  const double slope = (stage.to - stage.from) / Seconds(stage.length);
  const double root = std::sqrt(std::max(stage.from * stage.from + 2 * slope * arrivals, 0.0));
  return arrivals > 0 ? 2 * arrivals / (stage.from + root) : 0;
}

}  // namespace

RateProfile::RateProfile(std::vector<RateStage> stages) : stages_(std::move(stages)) {
  Before before;
  for (const RateStage& stage : stages_) {
    before_.push_back(before);
    before.time += stage.length;
    before.arrivals += Area(stage);
  }
}

nanoseconds RateProfile::length() const {
  nanoseconds length{};
  for (const RateStage& stage : stages_) length += stage.length;
  return length;
}

double RateProfile::peak() const {
  double peak = 0;
  for (const RateStage& stage : stages_) peak = std::max({peak, stage.from, stage.to});
  return peak;
}

double RateProfile::total() const {
  double total = 0;
  for (const RateStage& stage : stages_) total += Area(stage);
  return total;
}

std::optional<nanoseconds> RateProfile::TimeOf(double arrivals) const {
  const auto behind =
      std::upper_bound(before_.begin(), before_.end(), arrivals,
                       [](double n, const Before& before) { return n < before.arrivals; });
  if (behind == before_.begin()) return std::nullopt;
  const Before& before = *std::prev(behind);
  const RateStage& stage = stages_[static_cast<size_t>(&before - before_.data())];
  const double rest = arrivals - before.arrivals;
  if (rest >= Area(stage)) return std::nullopt;
  const double into = SecondsInto(stage, rest) * 1e9;
  return before.time + std::min(nanoseconds(static_cast<int64_t>(into)), stage.length);
}

RateProfile RateProfile::ChangedAt(nanoseconds at, const RateProfile& rest) const {
  std::vector<RateStage> changed;
  for (size_t i = 0; i < stages_.size(); ++i) {
    AppendPart(stages_[i], before_[i].time, nanoseconds(0), at, changed);
  }
  for (size_t i = 0; i < rest.stages_.size(); ++i) {
    AppendPart(rest.stages_[i], rest.before_[i].time, at, nanoseconds::max(), changed);
  }
  return RateProfile(std::move(changed));
}

}  // namespace handshake::client

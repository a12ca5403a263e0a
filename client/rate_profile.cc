#include "client/rate_profile.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace handshake::client {
namespace {

using std::chrono::nanoseconds;

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double Area(const RateStage& stage) { return Seconds(stage.length) * (stage.from + stage.to) / 2; }

// Solves from * t + slope * t^2 / 2 = arrivals in the form that loses no digits for a small slope.
double SecondsInto(const RateStage& stage, double arrivals) {
  const double slope = (stage.to - stage.from) / Seconds(stage.length);
  const double root = std::sqrt(std::max(stage.from * stage.from + 2 * slope * arrivals, 0.0));
  return arrivals > 0 ? 2 * arrivals / (stage.from + root) : 0;
}

}  // namespace

RateProfile::RateProfile(std::vector<RateStage> stages) : stages_(std::move(stages)) {}

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
  nanoseconds before{};
  for (const RateStage& stage : stages_) {
    const double area = Area(stage);
    if (arrivals < area) {
      const double into = SecondsInto(stage, arrivals) * 1e9;
      return before + std::min(nanoseconds(static_cast<int64_t>(into)), stage.length);
    }
    arrivals -= area;
    before += stage.length;
  }
  return std::nullopt;
}

}  // namespace handshake::client

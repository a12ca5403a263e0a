#include "control/report/live_progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "control/report/humane.h"
#include "control/report/load_report.h"

namespace handshake::report {
namespace {

constexpr std::array<std::string_view, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view kGap = "  ";

// Of a run that goes on as it does now; missing if nobody can tell.
std::optional<double> SecondsLeft(const v1::LoadRun& run, double ended_per_second) {
  std::optional<double> left;
  if (run.spec().has_duration()) {
    left = ToSeconds(run.spec().duration()) - ToSeconds(run.elapsed());
  }
  if (run.spec().handshake_count() > 0 && ended_per_second > 0 && !run.paused()) {
    const int64_t ended = Sum(run.ok_count(), run.failed_count());
    const double by_count =
        static_cast<double>(Less(run.spec().handshake_count(), ended)) / ended_per_second;
    left = std::min(left.value_or(by_count), by_count);
  }
  if (left) left = std::max(*left, 0.0);
  return left;
}

}  // namespace

std::string Sparkline(const std::deque<double>& rates) {
  const double highest = rates.empty() ? 0 : *std::max_element(rates.begin(), rates.end());
  std::string line;
  for (const double rate : rates) {
    const double height = highest > 0 ? std::clamp(rate / highest, 0.0, 1.0) : 0;
    line += kBars[static_cast<size_t>(std::lround(height * (kBars.size() - 1)))];
  }
  return line;
}

LiveProgress::Rates LiveProgress::Between(const Mark& from, const Mark& to) {
  const double seconds = to.elapsed_s - from.elapsed_s;
  if (!(seconds > 0)) return {};
  const auto rate = [&](int64_t before, int64_t after) {
    return static_cast<double>(std::max<int64_t>(Less(after, before), 0)) / seconds;
  };
  return {.ok = rate(from.ok, to.ok), .ended = rate(from.ended, to.ended)};
}

LiveProgress::Rates LiveProgress::Note(const v1::LoadRun& run) {
  const Mark now = {.elapsed_s = ToSeconds(run.elapsed()),
                    .ok = Sum(run.ok_count(), run.left_out().ok_count()),
                    .ended = Sum(Sum(run.ok_count(), run.failed_count()),
                                 Sum(run.left_out().ok_count(), run.left_out().failed_count()))};
  if (!charted_) charted_ = now;
  if (now.elapsed_s - charted_->elapsed_s >= kWindow) {
    chart_.push_back(Between(*charted_, now).ok);
    charted_ = now;
    if (chart_.size() > kMostRates) chart_.pop_front();
  }
  // The first state has nothing before it but its own average.
  const bool first = recent_.empty();
  recent_.push_back(now);
  if (first) return {.ok = run.ok_per_second(), .ended = Between({}, now).ended};
  while (recent_.size() > 2 && now.elapsed_s - recent_[1].elapsed_s >= kWindow) {
    recent_.pop_front();
  }
  return Between(recent_.front(), now);
}

std::string LiveProgress::Add(const v1::LoadRun& run, size_t width) {
  const Rates rates = Note(run);
  const std::optional<double> left = SecondsLeft(run, rates.ended);
  const v1::Latency& latency = IsOpenLoop(run.spec()) ? run.from_intended_start() : run.handshake();
  std::string line = absl::StrFormat("%3.0f%%", 100 * LoadFraction(run));
  const auto add = [&](const std::string& part) { line.append(kGap).append(part); };
  if (left) add(SpanUs(*left * 1e6) + " left");
  add(run.paused() ? "paused" : Rate(rates.ok));
  if (latency.count() > 0) add("p99 " + SpanUs(latency.p99_us()));
  add(Count(run.failed_count()) + " failed");
  if (run.dropped_count() > 0) add(Count(run.dropped_count()) + " dropped");
  add(Count(run.in_flight_count()) + " in flight");
  if (line.size() >= width) return line.substr(0, width);
  // The newest that fit.
  const size_t room = width - line.size();
  const size_t shown = room > kGap.size() ? std::min(chart_.size(), room - kGap.size()) : size_t{0};
  if (shown > 0) add(Sparkline({chart_.end() - static_cast<std::ptrdiff_t>(shown), chart_.end()}));
  return line;
}

}  // namespace handshake::report

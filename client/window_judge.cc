#include "client/window_judge.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/text/duration.h"

namespace handshake::client {

using std::chrono::nanoseconds;

WindowJudge::Mark::Mark(const LoadReport& report)
    : measured_(report.measured),
      paused_time_(report.paused_time),
      planned_(report.planned),
      dropped_(report.dropped),
      ended_(report.ended),
      intended_(report.intended),
      handshake_(report.handshake) {}

LoadReport WindowJudge::Mark::Report() const {
  LoadReport report;
  report.measured = measured_;
  report.paused_time = paused_time_;
  report.planned = planned_;
  report.dropped = dropped_;
  report.ended = ended_;
  intended_.MergeInto(report.intended);
  handshake_.MergeInto(report.handshake);
  return report;
}

WindowJudge::WindowJudge(const LoadSpec& spec)
    : warmup_(spec.warmup),
      fail_if_(spec.fail_if),
      stop_if_(spec.stop_if),
      breaches_(spec.fail_if.size()) {
  for (const Condition& condition : stop_if_) WindowOf(StopWindowOf(condition));
  for (const Condition& condition : fail_if_) {
    if (condition.over) WindowOf(*condition.over);
  }
}

WindowJudge::Window& WindowJudge::WindowOf(nanoseconds length) {
  const auto same = [length](const Window& window) { return window.length == length; };
  const auto it = std::find_if(windows_.begin(), windows_.end(), same);
  if (it != windows_.end()) return *it;
  // A report is without the warm-up: at its end it is an empty one.
  return windows_.emplace_back(Window{length, warmup_ + length, Mark(LoadReport())});
}

std::optional<std::string> WindowJudge::Look(const LoadReport& now) {
  std::optional<std::string> stop;
  for (Window& window : windows_) {
    if (now.elapsed < window.end) continue;
    const LoadReport part = now.Since(window.before.Report());
    if (part.paused_time.count() == 0) {
      JudgeFailures(window, part, now.elapsed);
      if (!stop) stop = StopReason(window, part);
    }
    window.before = Mark(now);
    // One that is looked at late is a little longer, and the next one shorter.
    while (window.end <= now.elapsed) window.end += window.length;
  }
  return stop;
}

std::optional<std::string> WindowJudge::StopReason(const Window& window,
                                                   const LoadReport& part) const {
  for (const Condition& condition : stop_if_) {
    if (StopWindowOf(condition) != window.length) continue;
    if (Holds(condition, part).value_or(false)) return Explain(condition, part);
  }
  return std::nullopt;
}

void WindowJudge::JudgeFailures(const Window& window, const LoadReport& part, nanoseconds until) {
  for (size_t i = 0; i < fail_if_.size(); ++i) {
    if (fail_if_[i].over != window.length) continue;
    breaches_[i].judged = true;
    if (!Holds(fail_if_[i], part).value_or(true)) continue;
    if (++breaches_[i].count > 1) continue;
    const auto second = [](nanoseconds time) {
      return text::FormatDuration(std::chrono::round<std::chrono::milliseconds>(time));
    };
    breaches_[i].first = absl::StrFormat("%s, from %s to %s", Explain(fail_if_[i], part),
                                         second(until - part.measured), second(until));
  }
}

std::optional<std::string> WindowJudge::BreachOf(size_t index) const {
  const Breaches& breaches = breaches_[index];
  if (!breaches.judged) return fail_if_[index].text + ": no whole window was measured";
  if (breaches.count == 0) return std::nullopt;
  if (breaches.count == 1) return breaches.first;
  return absl::StrFormat("%s, the first of %d windows", breaches.first, breaches.count);
}

}  // namespace handshake::client

// The conditions that are judged while a run goes on, each over windows of its time.
#ifndef HANDSHAKE_CLIENT_WINDOW_JUDGE_H_
#define HANDSHAKE_CLIENT_WINDOW_JUDGE_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/load_run.h"
#include "common/stats/packed_histogram.h"

namespace handshake::client {

// A window begins where the last one of its length ended, the first with the warm-up's end. Each
// condition of stop_if has one, those of fail_if that ask for one. To be looked at each second:
// windows are whole seconds. Knows no clock and no thread; memory is some KB for each length of
// windows, not a report.
class WindowJudge {
 public:
  explicit WindowJudge(const LoadSpec& spec);

  // Judges the windows that are over at `now`, a report of the run, but for those it was paused in.
  // Which condition of stop_if holds, with what was measured; nothing: none.
  std::optional<std::string> Look(const LoadReport& now);
  // Behind the last look, of the `index`-th condition of fail_if, which has a window: how it held,
  // or that it could not be told, in any of them; nothing: it did not.
  std::optional<std::string> BreachOf(size_t index) const;

 private:
  // What a report had that conditions look at.
  class Mark {
   public:
    explicit Mark(const LoadReport& report);
    LoadReport Report() const;  // the rest is empty

   private:
    std::chrono::nanoseconds measured_;
    std::chrono::nanoseconds paused_time_;
    int64_t planned_;
    int64_t dropped_;
    std::array<int64_t, wire::kVerdictCount> ended_;
    stats::PackedHistogram intended_;
    stats::PackedHistogram handshake_;
  };
  struct Window {
    std::chrono::nanoseconds length;
    std::chrono::nanoseconds end;  // since the start of the run
    Mark before;                   // when it began
  };
  struct Breaches {
    std::string first;
    int64_t count = 0;
    bool judged = false;  // once at least
  };

  Window& WindowOf(std::chrono::nanoseconds length);
  std::optional<std::string> StopReason(const Window& window, const LoadReport& part) const;
  void JudgeFailures(const Window& window, const LoadReport& part, std::chrono::nanoseconds until);

  const std::chrono::nanoseconds warmup_;
  const std::vector<Condition> fail_if_;
  const std::vector<Condition> stop_if_;
  std::vector<Window> windows_;     // one a length
  std::vector<Breaches> breaches_;  // one a condition of fail_if_
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_WINDOW_JUDGE_H_

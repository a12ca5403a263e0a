// How a load run goes, for a line that is drawn over itself: it remembers what the run was before,
// so that it shows what happens now rather than on average. Used by one thread.
#ifndef HANDSHAKE_CONTROL_REPORT_LIVE_PROGRESS_H_
#define HANDSHAKE_CONTROL_REPORT_LIVE_PROGRESS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// One character a rate, the height relative to the highest; all the lowest if all are 0.
std::string Sparkline(const std::deque<double>& rates);

class LiveProgress {
 public:
  static constexpr double kWindow = 1;      // s, of the rate
  static constexpr size_t kMostRates = 30;  // shown

  // The line of a run's next state, at most `width` columns, without '\n' and without colour:
  // " 45%  5.50 s left  27.4k/s  p99 1.25 ms  2 failed  100 in flight  " and the rates of the last
  // 30 s, one a second. The rate is of handshakes that were ok, those of a warm-up included.
  std::string Add(const v1::LoadRun& run, size_t width = kMaxWidth);

 private:
  struct Mark {
    double elapsed_s = 0;
    int64_t ok = 0;
    int64_t ended = 0;
  };
  struct Rates {
    double ok = 0;  // a second
    double ended = 0;
  };

  static Rates Between(const Mark& from, const Mark& to);
  Rates Note(const v1::LoadRun& run);  // those of the last second

  std::deque<Mark> recent_;  // oldest first: one that is a second old, and all younger ones
  std::optional<Mark> charted_;
  std::deque<double> chart_;  // oldest first
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_LIVE_PROGRESS_H_

// The numbers of one load worker.
#ifndef HANDSHAKE_CLIENT_LOAD_TALLY_H_
#define HANDSHAKE_CLIENT_LOAD_TALLY_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "client/load_run.h"
#include "client/stop_rules.h"
#include "common/stats/histogram.h"
#include "common/wire/verdict.h"

namespace handshake::client {

// How long a success and its phases took; see LoadReport.
struct HandshakeTimes {
  std::chrono::nanoseconds handshake;
  std::chrono::nanoseconds connect;
  std::chrono::nanoseconds reply;
  std::chrono::nanoseconds close;
};

// Written by its worker alone, read by any thread while it goes on; neither ever waits. Whenever it
// is read, no more handshakes have ended than have started, nor more started than were planned.
class LoadTally {
 public:
  // Open loop: an arrival whose time has come, before it is started or dropped.
  void CountPlanned() { Add(planned_); }
  void CountDropped() { Add(dropped_); }
  void CountAnswered() { Add(answered_); }  // a correct HELLO X+1 came
  // counted: false for those that LoadReport::left_out has.
  void CountStarted(bool counted) { Add(OutcomesOf(counted).started); }
  void CountEnded(wire::Verdict verdict, bool counted) {
    Add(OutcomesOf(counted).ended[static_cast<size_t>(verdict)]);
  }
  void RecordSendLag(std::chrono::nanoseconds lag);
  // Before CountEnded(kOk, true).
  void RecordOk(const HandshakeTimes& times);
  // Open loop: of a success, since its intended start.
  void RecordIntended(std::chrono::nanoseconds whole);

  void AddTo(LoadReport& report) const;
  void AddTo(Vitals& vitals) const;

 private:
  struct AtomicOutcomes {
    std::atomic<int64_t> started{0};
    std::array<std::atomic<int64_t>, wire::kVerdictCount> ended{};
    Outcomes Read() const;
  };
  AtomicOutcomes& OutcomesOf(bool counted) { return counted ? counted_ : left_out_; }
  static void Add(std::atomic<int64_t>& number) {
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::atomic<int64_t> answered_{0};
  std::atomic<int64_t> planned_{0};
  std::atomic<int64_t> dropped_{0};
  AtomicOutcomes counted_;
  AtomicOutcomes left_out_;
  stats::AtomicHistogram intended_{stats::kLoadLatencyLayout};
  stats::AtomicHistogram send_lag_{stats::kLoadLatencyLayout};
  stats::AtomicHistogram handshake_{stats::kLoadLatencyLayout};
  stats::AtomicHistogram connect_{stats::kLoadLatencyLayout};
  stats::AtomicHistogram reply_{stats::kLoadLatencyLayout};
  stats::AtomicHistogram close_{stats::kLoadLatencyLayout};
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LOAD_TALLY_H_

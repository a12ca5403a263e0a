// What the processes of one held load share: counts, and when the hold began and ends.
#ifndef HANDSHAKE_CLIENT_HOLD_BOARD_H_
#define HANDSHAKE_CLIENT_HOLD_BOARD_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "client/hold_run.h"
#include "common/net/wake_event.h"
#include "common/wire/session.h"
#include "common/wire/verdict.h"

namespace handshake::client {

// A point in time that is set once or not at all; the clock is the same in all processes.
class SharedTime {
 public:
  wire::TimePoint Get() const { return wire::TimePoint(wire::Duration(at_.load())); }
  bool IsSet() const { return at_.load() != kNever; }
  // False: it was set already and stays.
  bool Set(wire::TimePoint at) {
    int64_t never = kNever;
    return at_.compare_exchange_strong(never, at.time_since_epoch().count());
  }
  // Sets it, or moves it forward to the earlier `at`.
  void Advance(wire::TimePoint at);

 private:
  static constexpr int64_t kNever = wire::TimePoint::max().time_since_epoch().count();
  std::atomic<int64_t> at_{kNever};  // since the clock's epoch
};

// The numbers of one process: written by it alone, read by any while it goes on.
class alignas(64) HoldTally {
 public:
  void CountOpened() { Add(opened_, 1); }
  // while_held: it had been opened, and was to wait.
  void CountEnded(wire::Verdict verdict, bool while_held, wire::TimePoint now);
  // Connections that are not begun any more.
  void CountUntried(int64_t connections) { Add(untried_, connections); }
  // For a process that died: what it owed, of `share` connections, ends as NO_LOCAL_RESOURCE.
  void CountDead(int64_t share, bool while_held, wire::TimePoint now);

  wire::TimePoint last_end() const { return wire::TimePoint(wire::Duration(last_end_.load())); }
  void AddTo(HoldReport& report) const;

 private:
  int64_t EndedCount() const;
  static void Add(std::atomic<int64_t>& number, int64_t n) {
    number.store(number.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }

  std::atomic<int64_t> opened_{0};
  std::atomic<int64_t> lost_{0};
  std::atomic<int64_t> died_{0};
  std::atomic<int64_t> untried_{0};
  std::array<std::atomic<int64_t>, wire::kVerdictCount> ended_{};
  std::atomic<int64_t> last_end_{0};  // since the clock's epoch
};

// Lives in memory that is shared over fork(), and so do the descriptors of its events.
class HoldBoard {
 public:
  struct Unmap {
    void operator()(HoldBoard* board) const;
  };
  using Pointer = std::unique_ptr<HoldBoard, Unmap>;

  // RESOURCE_EXHAUSTED: no memory or no descriptor.
  static absl::StatusOr<Pointer> Create(int64_t connections, wire::Duration hold);

  // So many connections more have been opened, have failed before, or are not tried; the last of
  // all begins the hold.
  void Settle(int64_t connections);
  // The hold ends now, or does not begin.
  void Cancel();

  // Raised, and never cleared, when the hold begins and when it is cut short.
  net::WakeEvent hold_began;
  net::WakeEvent hold_cut;
  SharedTime hold_from;
  SharedTime finish_at;
  std::array<HoldTally, HoldRun::kMostProcesses> tallies;

 private:
  HoldBoard(int64_t connections, wire::Duration hold) : hold_(hold), unsettled_(connections) {}

  const wire::Duration hold_;
  alignas(64) std::atomic<int64_t> unsettled_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_HOLD_BOARD_H_

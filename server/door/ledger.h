// What became of every connection, counted to its listener and to the mode it was born in.
#ifndef HANDSHAKE_SERVER_DOOR_LEDGER_H_
#define HANDSHAKE_SERVER_DOOR_LEDGER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/stats/histogram.h"
#include "common/wire/session.h"
#include "common/wire/verdict.h"
#include "server/door/connection.h"
#include "server/door/mode.h"
#include "server/door/mode_stats.h"
#include "server/door/timelines.h"

namespace handshake::server {

// Counters live in shards: a thread counts in one of them with relaxed adds, readers add them up.
// Any thread may count and read; counting never locks, waits or allocates.
class Ledger {
 public:
  // Protocol::listener() of every connection is below `listener_count`.
  explicit Ledger(int shard_count, int listener_count = 1);
  ~Ledger();

  // Makes room for a mode's counts; before its first connection. Idempotent.
  void Open(Mode mode);

  void CountAccepted(const Connection& connection);
  void CountHandedOver(const Connection& connection);
  void CountHeld(const Connection& connection);
  // Its session has ended.
  void CountEnded(const Connection& connection, wire::TimePoint now);
  void CountReceived(const Connection& connection, int64_t bytes);
  void CountSent(const Connection& connection, int64_t bytes);
  void CountMessages(const Connection& connection, int64_t count);

  // Of a sample of them, when; see there. CountEnded() ends it too.
  Timelines& timelines() { return timelines_; }

  // Everything but the engines' CPU time, at all listeners. Ended is read before accepted, so
  // in_flight is never below 0 and exact at rest.
  ModeStats Read(Mode mode) const;
  // Of all modes, at one listener.
  LedgerRow ReadListener(int listener) const;

  struct Totals {
    int64_t accepted = 0;
    int64_t completed = 0;
    int64_t failed = 0;
  };
  Totals ReadTotals() const;

 private:
  using Counter = std::atomic<int64_t>;
  struct alignas(64) Shard {
    Counter accepted{0};
    Counter handed_over{0};
    Counter held{0};
    Counter held_ended{0};
    Counter bytes_received{0};
    Counter bytes_sent{0};
    Counter messages{0};
    std::array<Counter, wire::kVerdictCount> ended{};
    stats::AtomicHistogram handshake{stats::kServerLatencyLayout};
    stats::AtomicHistogram first_byte{stats::kServerLatencyLayout};
    stats::AtomicHistogram first_to_last{stats::kServerLatencyLayout};
  };
  using Shards = std::vector<Shard>;

  // The shards of a mode at one listener; nullptr: not opened.
  const Shards* Find(Mode mode, int listener) const;
  Shard& MyShard(const Connection& connection);
  static void Add(const Shards& shards, LedgerRow& row);
  static void AddEnded(const Shards& shards, Totals& totals);

  const int shard_count_;
  const int listener_count_;
  Timelines timelines_;
  std::mutex opening_;
  // Set once by Open(), then constant: what a reader sees is complete.
  // An array of listener_count_ for each mode.
  std::array<std::atomic<Shards*>, kModeCount> modes_{};
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_LEDGER_H_

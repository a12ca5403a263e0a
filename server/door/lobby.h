// Where connections wait that outlived their engine.
#ifndef HANDSHAKE_SERVER_DOOR_LOBBY_H_
#define HANDSHAKE_SERVER_DOOR_LOBBY_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "absl/status/status.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "common/net/wake_event.h"
#include "common/stats/histogram.h"
#include "server/door/connection.h"
#include "server/door/connection_table.h"
#include "server/door/ledger.h"

namespace handshake::server {

// One for the process, owned by the data plane, with a thread of its own. A connection that can
// make no progress is watched here. When it can, it is offered: the door hands it to whichever
// engine takes next, like a fresh one, only with its record. Whether watched or offered, the lobby
// ends it at its deadline (after reading what had arrived by then), so no record is ever without
// somebody who is responsible for it.
//
// Methods may be called from any thread, between Start() and Stop().
class Lobby {
 public:
  explicit Lobby(Ledger& ledger);  // borrows `ledger`
  ~Lobby();

  absl::Status Start();

  // Takes ownership. `detached_at`: since when nobody watched them; the gap is recorded.
  void Admit(std::span<Connection> slice, wire::TimePoint detached_at);

  // Readable while a connection is offered.
  int offered_fd() const { return offered_event_.fd(); }
  // One offered connection, oldest first. Never waits: nothing, if the lobby is busy just now.
  std::optional<Connection> TakeOffered();

  // For the shutdown: from now on it offers nothing and serves what it has by itself; from
  // `deadline` on it ends what it has, and what still comes, with `verdict`.
  void Close(wire::TimePoint deadline, wire::Verdict verdict);
  // The verdict with which it ends all that comes, if its deadline has passed.
  std::optional<wire::Verdict> ClosedFor(wire::TimePoint now) const;
  // Ends every connection, as above, then the thread. Idempotent.
  void Stop();

  int64_t size() const { return size_.load(std::memory_order_relaxed); }
  // What its connections have of the kernel: see Slab.
  size_t mapped_bytes() const;
  // Microseconds between an engine and the watch, of every connection admitted so far.
  void ReadOrphanGap(stats::Histogram& into) const { orphan_gap_.MergeInto(into); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Note {
    uint32_t watching = 0;  // what the reactor reports
    bool offered = false;
    uint32_t older = kNone;  // the offers beside it, if it is offered
    uint32_t newer = kNone;
  };
  static constexpr uint64_t kWakeTag = UINT64_MAX;

  void Run();
  void OnReady(uint32_t slot);
  void OnDue(uint32_t slot, wire::TimePoint now);
  void Offer(uint32_t slot);
  void Withdraw(uint32_t slot);       // the offer, if it stands
  void EndSome(wire::TimePoint now);  // after close_at_
  std::optional<wire::TimePoint> NextTurn() const;
  // Drives it here, and watches on if it has not ended.
  void Serve(uint32_t slot, wire::TimePoint now);
  void Watch(uint32_t slot);
  Connection Forget(uint32_t slot);  // out of table, wheel and reactor

  Ledger& ledger_;
  stats::AtomicHistogram orphan_gap_;
  net::WakeEvent offered_event_;
  net::WakeEvent wake_event_;
  net::Reactor reactor_;
  std::atomic<int64_t> size_{0};
  std::atomic<int64_t> offered_count_{0};  // lets TakeOffered() pass without the lock

  mutable std::mutex mutex_;  // guards all below
  ConnectionTable<Note> table_;
  net::TimerWheel wheel_;
  uint32_t oldest_offer_ = kNone;  // slots; offered_event_ is raised if there are any
  uint32_t newest_offer_ = kNone;
  std::optional<wire::TimePoint> waiting_until_;
  bool offering_ = true;
  std::optional<wire::TimePoint> close_at_;
  wire::Verdict closing_verdict_ = wire::Verdict::kInternalError;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_LOBBY_H_

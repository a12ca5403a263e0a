// The seam: what a concurrency mode is to the rest of the server.
#ifndef HANDSHAKE_SERVER_ENGINES_ENGINE_H_
#define HANDSHAKE_SERVER_ENGINES_ENGINE_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/wire/session.h"
#include "server/door/connection.h"
#include "server/door/cpu_meter.h"
#include "server/door/door.h"
#include "server/door/drive.h"
#include "server/door/ledger.h"
#include "server/door/lobby.h"
#include "server/door/mode.h"

namespace handshake::server {

struct EngineOptions {
  int64_t max_threads = 4'096;  // thread-per-connection: accepting pauses there
  int64_t pool_threads = 0;     // thread-pool; 0: max(4, 2 x CPUs)
  int64_t workers = 0;          // event modes: threads, at most one a CPU; 0: max(1, CPUs / 2)
  // io-uring: connections that it has room for in direct descriptors, beyond the limit of open
  // files; 0: each has a descriptor of the process.
  int64_t io_uring_direct = 0;
  // The CPUs that engine threads run on; each has a shard of the door. Empty: all that are allowed.
  std::vector<int> cpus;
};

// What engines work with; all of it outlives them.
struct EngineContext {
  Door& door;
  Lobby& lobby;
  Ledger& ledger;
  CpuMeter& cpu_meter;
  EngineOptions options;
};

// One generation of one mode. Who accepts, who waits and who runs is each engine's own affair.
//
// Life: Prepare() -> Start() -> StopTaking() -> Drain() -> destruction, all but HurryDrain() called
// by one owner, never by an engine thread. The destructor waits until no thread holds a reference;
// in_flight() is 0 by then unless Drain() was never called.
class Engine {
 public:
  Engine(const EngineContext& context, Mode mode, uint32_t generation);
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Gets everything that can fail: threads, descriptors, memory. Takes nothing. After a failure the
  // engine can only be destroyed.
  virtual absl::Status Prepare() = 0;
  // Takes from the door from now on. Cannot fail.
  virtual void Start() = 0;

  // On return nothing is taken any more. It overtakes: the gate is checked before every take, so it
  // waits for one look at the door at most. What was taken is served on.
  void StopTaking() {
    OnStopTaking();
    gate_.Close();
  }

  // The kernel may wake only one of those that wait at a listener, and the one that it woke may
  // have left without a look: looks whether somebody waits there. Any thread.
  virtual void LookAgain() {}

  // Before StopTaking(): could all that is here be passed to the lobby? If not FAILED_PRECONDITION,
  // with what to do.
  virtual absl::Status CanLeave() const { return absl::OkStatus(); }

  // After StopTaking(): serves on until all has ended, `deadline` has passed or HurryDrain() was
  // called; then passes what is left to the lobby in small slices. A connection is always either
  // served here, or watched there, or in a slice on its way. Returns when in_flight() is 0.
  void Drain(wire::TimePoint deadline);
  // Makes Drain(), now or later, pass everything to the lobby at once. Any thread.
  void HurryDrain();

  Mode mode() const { return mode_; }
  uint32_t generation() const { return generation_; }

  // Any thread. Exact once StopTaking() has returned and Drain() has not begun to hand over; the
  // four always add up: taken = completed + failed + handed_over + in_flight.
  struct Counts {
    int64_t taken = 0;
    int64_t completed = 0;
    int64_t failed = 0;
    int64_t handed_over = 0;  // parked ones too
    int64_t in_flight() const { return taken - completed - failed - handed_over; }
  };
  Counts counts() const;
  int64_t in_flight() const { return counts().in_flight(); }

 protected:
  // For engine threads. Take: see Door::Take. Serve: see Drive.
  Taken Take(Doorway& doorway);
  Progress Serve(Connection& connection);
  // For engines that let the kernel accept: see Door.
  std::optional<Connection> TakeOffered();
  Connection Admit(const Listener& listener, int fd, wire::TimePoint now);
  // Counts a connection that has ended without Serve(); it may be closed from now on.
  void End(const Connection& connection, wire::TimePoint now);
  // Passes connections that this engine serves to the lobby. detached_at: since when no thread
  // waits on them.
  void HandOver(std::span<Connection> slice, wire::TimePoint detached_at);

  // Passes on one that is long-lived and has nothing to say now, so that no thread waits for it
  // alone: the lobby watches it, and offers it to whichever mode is in force when that changes.
  void Park(Connection& connection);

  // StopTaking() has begun. On return nothing may be on its way that would bring a connection past
  // the gate: an accept that was left to the kernel.
  virtual void OnStopTaking() {}
  // Drain() has begun: threads that only wait for connections may end.
  virtual void OnDrain() = 0;
  // Hands over all there is; returns when nothing is left.
  virtual void HandOverAll() = 0;
  // For HandOverAll(): blocks until in_flight() is 0.
  void AwaitEmpty();

  const EngineContext& context() const { return context_; }

 private:
  Taker MakeTaker() { return {.mode = mode_, .gate = gate_, .taken_count = taken_}; }
  void CountEnd(const Connection& connection);
  void PassOn(std::span<Connection> slice, wire::TimePoint detached_at);
  void NotifyDrain();

  const EngineContext context_;
  const Mode mode_;
  const uint32_t generation_;
  TakeGate gate_;

  // On one cache line: a thread that serves touches them together.
  alignas(64) std::atomic<int64_t> taken_{0};
  std::atomic<int64_t> completed_{0};
  std::atomic<int64_t> failed_{0};
  std::atomic<int64_t> handed_over_{0};

  std::mutex drain_mutex_;
  std::condition_variable drain_changed_;
  bool hurry_ = false;  // guarded by drain_mutex_
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_ENGINE_H_

// One thread that serves many connections as they become ready: the loop of `epoll` and
// `coroutine`.
#ifndef HANDSHAKE_SERVER_ENGINES_REACTOR_WORKER_H_
#define HANDSHAKE_SERVER_ENGINES_REACTOR_WORKER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "common/net/wake_event.h"
#include "server/door/connection_table.h"
#include "server/engines/event_workers.h"

namespace handshake::server {

//   wait {door, its connections, its timers} -> take, serve -> wait ...
//
// With its own reactor, table and timer wheel: workers share nothing but the door. What a mode adds
// is how the connection in a slot is moved on, from the thread that runs the worker. A slot's
// connection stays where it is until it ends or leaves.
class ReactorWorker : public EventWorker {
 public:
  ReactorWorker(EventWorkersEngine& engine, Doorway doorway);
  absl::Status Prepare() override;
  void Run() override;
  void Wake() override { wake_.Raise(); }

 protected:
  // Serves a new connection until it must wait. Nothing: no memory, the lobby gets it.
  virtual std::optional<Progress> Begin(uint32_t slot) = 0;
  // What it waited for is there, or its deadline has passed: serves on until it must wait again.
  virtual Progress Resume(uint32_t slot) = 0;
  // It waits, and leaves for the lobby.
  virtual void Abandon(uint32_t slot) = 0;

  // For these: moves the connection on as far as its socket allows.
  Progress Serve(uint32_t slot) { return engine_.Serve(table_.at(slot).connection); }

 private:
  struct Note {
    uint32_t watching = 0;  // what the reactor reports
  };
  static constexpr uint64_t kDoorTag = UINT64_MAX;
  static constexpr uint64_t kWakeTag = UINT64_MAX - 1;

  void TakeAll();
  void WatchDoor();
  void UnwatchDoor();
  // Descriptors or memory ran short: no more is taken for a while.
  void StayAway();
  void Admit(Connection&& connection);
  void Due(uint32_t slot, wire::TimePoint now);
  // It was served and has ended, or waits for `progress`.
  void Settle(uint32_t slot, Progress progress);
  void Keep(uint32_t slot, Progress progress);
  Connection Forget(uint32_t slot);
  // Memory ran short: the lobby finds somebody who can serve it.
  void PassOn(Connection&& connection);
  void HandOverSlice();
  // When to look around next, if nothing happens.
  std::optional<wire::TimePoint> NextTurn() const;

  EventWorkersEngine& engine_;
  Doorway doorway_;
  net::WakeEvent wake_;
  net::Reactor reactor_;
  net::TimerWheel wheel_;
  ConnectionTable<Note> table_;
  std::vector<Connection> slice_;
  bool door_watched_ = false;
  bool stopped_ = false;  // the gate is closed
  TakeBackOff back_off_;
  std::optional<wire::TimePoint> back_at_door_;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_REACTOR_WORKER_H_

// `epoll`: a few reactor threads, each with many connections.
#ifndef HANDSHAKE_SERVER_ENGINES_EPOLL_H_
#define HANDSHAKE_SERVER_ENGINES_EPOLL_H_

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "common/net/wake_event.h"
#include "server/door/connection_table.h"
#include "server/engines/event_workers.h"

namespace handshake::server {

//   worker 1   wait {door, its connections, its timers} -> take, serve -> wait ...
//   worker 2   the same, with its own reactor, table and timer wheel: nothing is shared but the
//   door
class EpollEngine final : public EventWorkersEngine {
 public:
  static constexpr std::string_view kDescription =
      "a few reactor threads, each serves many connections as they become ready";

  EpollEngine(const EngineContext& context, uint32_t generation)
      : EventWorkersEngine(context, Mode::kEpoll, generation) {}

 protected:
  std::unique_ptr<EventWorker> MakeWorker(Doorway doorway) override;
};

// One reactor thread.
class EpollWorker final : public EventWorker {
 public:
  EpollWorker(EpollEngine& engine, Doorway doorway);
  absl::Status Prepare() override;
  void Run() override;
  void Wake() override { wake_.Raise(); }

 private:
  struct Note {
    uint32_t watching = 0;  // what the reactor reports
  };
  static constexpr uint64_t kDoorTag = UINT64_MAX;
  static constexpr uint64_t kWakeTag = UINT64_MAX - 1;

  void TakeAll();
  void WatchDoor();
  void UnwatchDoor();
  // A new connection: served at once, kept if it has not ended.
  void Admit(Connection&& connection);
  void Ready(uint32_t slot);
  void Due(uint32_t slot, wire::TimePoint now);
  void Keep(uint32_t slot, Progress progress);
  Connection Forget(uint32_t slot);
  void HandOverSlice();
  // When to look around next, if nothing happens.
  std::optional<wire::TimePoint> NextTurn() const;

  EpollEngine& engine_;
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

#endif  // HANDSHAKE_SERVER_ENGINES_EPOLL_H_

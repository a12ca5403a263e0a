// `epoll`: a few reactor threads, each with many connections.
#ifndef HANDSHAKE_SERVER_ENGINES_EPOLL_H_
#define HANDSHAKE_SERVER_ENGINES_EPOLL_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "common/net/wake_event.h"
#include "server/door/connection_table.h"
#include "server/engines/engine.h"
#include "server/engines/engine_threads.h"

namespace handshake::server {

class EpollWorker;

//   worker 1   wait {door, its connections, its timers} -> take, serve -> wait ...
//   worker 2   the same, with its own reactor, table and timer wheel: nothing is shared but the
//   door
class EpollEngine final : public Engine {
 public:
  static constexpr std::string_view kDescription =
      "a few reactor threads, each serves many connections as they become ready";

  EpollEngine(const EngineContext& context, uint32_t generation);
  ~EpollEngine() override;

  absl::Status Prepare() override;
  void Start() override;

 protected:
  void OnDrain() override;
  void HandOverAll() override;

 private:
  friend class EpollWorker;
  enum class Phase : uint8_t { kServing, kDraining, kLeaving };
  void Enter(Phase phase);

  std::atomic<Phase> phase_{Phase::kServing};
  std::vector<std::unique_ptr<EpollWorker>> workers_;
  EngineThreads threads_;  // last: joined before the workers go away
};

// One reactor thread. Everything but Wake() belongs to that thread once it runs.
class EpollWorker {
 public:
  explicit EpollWorker(EpollEngine& engine);
  absl::Status Prepare();
  void Run();
  void Wake() { wake_.Raise(); }

 private:
  struct Note {
    wire::TimePoint armed;  // the wheel's deadline: the session's, or an earlier one
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

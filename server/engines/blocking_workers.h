// Threads that serve one connection at a time, from its first byte to its last: what `sequential`
// (one of them) and `thread-pool` (many) have in common.
#ifndef HANDSHAKE_SERVER_ENGINES_BLOCKING_WORKERS_H_
#define HANDSHAKE_SERVER_ENGINES_BLOCKING_WORKERS_H_

#include <cstdint>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "common/net/reactor.h"
#include "common/net/wake_event.h"
#include "server/engines/door_watch.h"
#include "server/engines/engine.h"
#include "server/engines/engine_threads.h"

namespace handshake::server {

// Each worker takes from the door by itself: the kernel's accept queue is the only queue.
//
//   worker 1   take -> serve (poll {connection, leave}) -> take -> ...
//   worker 2   take -> nothing there: waits at the door (poll {door, drain}), one worker at a time
//   worker 3   take -> nothing there: waits for its turn to wait at the door
class BlockingWorkersEngine : public Engine {
 public:
  BlockingWorkersEngine(const EngineContext& context, Mode mode, uint32_t generation,
                        int64_t worker_count);

  absl::Status Prepare() override;
  void Start() override;

 protected:
  void OnDrain() override;
  void HandOverAll() override;

 private:
  void RunWorker();
  // Nothing: no more will be taken.
  std::optional<Connection> TakeNext(Doorway& doorway);
  Taken TakeAtDoor(Doorway& doorway);
  void ServeToTheEnd(Connection& connection);

  const int64_t worker_count_;
  net::WakeEvent drain_;    // a latch: nobody waits at the door any more
  net::WakeEvent leave_;    // a latch: what is served goes to the lobby
  std::mutex at_the_door_;  // held by the one worker that waits there, so one wakes per connection
  std::optional<DoorWatch> watch_;  // guarded by at_the_door_
  EngineThreads threads_;           // last: joined before anything they use goes away
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_BLOCKING_WORKERS_H_

// `thread-per-connection`: a new thread for each connection.
#ifndef HANDSHAKE_SERVER_ENGINES_THREAD_PER_CONNECTION_H_
#define HANDSHAKE_SERVER_ENGINES_THREAD_PER_CONNECTION_H_

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "common/net/wake_event.h"
#include "server/engines/door_watch.h"
#include "server/engines/engine.h"
#include "server/engines/engine_threads.h"

namespace handshake::server {

//   acceptor ---- take ---> starts ---> connection thread: serve (ppoll {connection}) -> ends
//            <--- at max_threads it waits until one has ended
//
// A connection thread that has to leave is woken by a signal that is blocked everywhere but inside
// its ppoll. They are woken in slices: woken all at once they would starve the next engine.
class ThreadPerConnectionEngine final : public Engine {
 public:
  static constexpr std::string_view kDescription =
      "a new thread for each connection, up to --max-threads; then accepting pauses";

  ThreadPerConnectionEngine(const EngineContext& context, uint32_t generation);
  ~ThreadPerConnectionEngine() override;

  absl::Status Prepare() override;
  void Start() override;

 protected:
  void OnDrain() override;
  void HandOverAll() override;

 private:
  // A connection and its thread. The thread leaves the list as its last act. The place is used
  // again by the acceptor: a thread that frees memory must first set up an allocator of its own.
  struct Worker {
    ThreadPerConnectionEngine* engine;
    std::optional<Connection> connection;
    std::list<Worker>::iterator self;
    // Each of the two sets its own and then looks at the other's, so the thread either is sent the
    // signal or sees that it has to leave.
    std::atomic<bool> leave{false};
    std::atomic<bool> runs{false};
    pthread_t thread{};  // set before `runs`
  };

  void RunAcceptor();
  // Blocks while max_threads are running; false when there is nothing more to take.
  bool AwaitRoom();
  // If no thread can be had the connection goes to the lobby; false then. So it does when all
  // leave.
  bool StartThread(Connection&& connection);
  Worker& AddWorker(Connection&& connection);
  void RemoveWorker(Worker& worker);
  static void* RunWorker(void* worker);
  void ServeToTheEnd(Worker& worker);

  net::WakeEvent drain_;      // a latch: the acceptor may end
  sigset_t while_waiting_{};  // the signals that a connection thread blocks then

  std::mutex mutex_;                 // guards all below
  std::condition_variable changed_;  // a worker has ended, or draining_ was set
  std::list<Worker> workers_;
  std::list<Worker> spare_;  // the places of those that have ended
  bool draining_ = false;
  bool leaving_ = false;  // HandOverAll() has begun: no more workers

  EngineThreads acceptor_;  // last: joined before anything it uses goes away
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_THREAD_PER_CONNECTION_H_

// Where calls run that may block, so that none of gRPC's few threads does.
#ifndef HANDSHAKE_CONTROL_RPC_WORKER_H_
#define HANDSHAKE_CONTROL_RPC_WORKER_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace handshake::control {

// One thread and a bounded queue: tasks run one after the other, in order. Owned by a service.
class Worker {
 public:
  explicit Worker(size_t max_waiting);
  ~Worker();  // as Stop()

  enum class Posted { kYes, kFull, kStopped };
  // Any thread. If the answer is not kYes, the task was not taken.
  Posted Post(std::function<void()> task);

  // Runs what was posted before, then ends the thread. Idempotent, but not from a task.
  void Stop();

 private:
  void Run();

  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::thread thread_;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_WORKER_H_

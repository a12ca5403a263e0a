// The long-lived threads of an engine.
#ifndef HANDSHAKE_SERVER_ENGINES_ENGINE_THREADS_H_
#define HANDSHAKE_SERVER_ENGINES_ENGINE_THREADS_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "server/engines/engine.h"

namespace handshake::server {

// On the CPUs that engines may use. Creates threads while failing is still possible and lets them
// run later. Owned by an engine and used by its owner only; the destructor joins (and never runs
// what was not released).
class EngineThreads {
 public:
  // `context` must outlive it.
  EngineThreads(const EngineContext& context, Mode mode) : context_(context), mode_(mode) {}
  ~EngineThreads();

  // `body` is called on each of `count` threads with its number, after Release().
  // RESOURCE_EXHAUSTED, with what to do, if a thread cannot be had.
  absl::Status Create(int64_t count, std::function<void(int64_t)> body);
  void Release();
  // Waits until all have ended; nothing more runs. Idempotent.
  void Join();

 private:
  enum class Order { kWait, kRun, kLeave };
  void Give(Order order);

  const EngineContext& context_;
  const Mode mode_;
  std::mutex mutex_;
  std::condition_variable ordered_;
  Order order_ = Order::kWait;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

// What to tell when a thread cannot be had.
absl::Status ThreadShortage(int error);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_ENGINE_THREADS_H_

#include "server/engines/coroutine.h"

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "server/engines/frame_pool.h"
#include "server/engines/reactor_worker.h"

namespace handshake::server {
namespace {

class CoroutineWorker final : public ReactorWorker {
 public:
  using ReactorWorker::ReactorWorker;

  // For the coroutine of `slot`.
  using ReactorWorker::Serve;
  FramePool& frames() { return frames_; }
  void Suspended(uint32_t slot, std::coroutine_handle<> coroutine, Progress progress) {
    frames_.coroutine(slot) = coroutine;
    progress_ = progress;
  }

 private:
  std::optional<Progress> Begin(uint32_t slot) override;
  Progress Resume(uint32_t slot) override;
  void Abandon(uint32_t slot) override;

  FramePool frames_;
  Progress progress_;  // of the coroutine that ran last: what it waits for, or that it has ended
};

// What begins a coroutine gets at once. The coroutine itself belongs to its worker: it runs until
// it first waits, is resumed or destroyed by its slot, and goes away by itself at its end.
struct ConnectionCoroutine {
  class promise_type;
  bool has_begun;  // false: there was no memory for its frame
};

class ConnectionCoroutine::promise_type {
 public:
  promise_type(CoroutineWorker& worker, uint32_t slot) : worker_(worker), slot_(slot) {}

  static void* operator new(size_t bytes, CoroutineWorker& worker, uint32_t slot) noexcept {
    return worker.frames().Allocate(slot, bytes);
  }
  static void operator delete(void* frame) { FramePool::Free(frame); }
  static ConnectionCoroutine get_return_object_on_allocation_failure() { return {false}; }
  ConnectionCoroutine get_return_object() { return {true}; }

  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_void() {}
  void unhandled_exception() { std::terminate(); }

  // `co_await progress`: until the connection's socket or its deadline says that it can go on.
  auto await_transform(Progress progress) {
    struct Readiness {
      Progress progress;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<promise_type> coroutine) const {
        const promise_type& promise = coroutine.promise();
        promise.worker_.Suspended(promise.slot_, coroutine, progress);
      }
      void await_resume() const {}
    };
    return Readiness{progress};
  }

 private:
  CoroutineWorker& worker_;
  const uint32_t slot_;
};

// One connection from its first byte to its end, or until it leaves: then the coroutine is
// destroyed where it waits. So nothing of the connection is held here but its place.
ConnectionCoroutine ServeToTheEnd(CoroutineWorker& worker, uint32_t slot) {
  Progress progress;
  while ((progress = worker.Serve(slot)) != Progress::kEnded) co_await progress;
}

std::optional<Progress> CoroutineWorker::Begin(uint32_t slot) {
  progress_ = Progress::kEnded;  // unless it says that it waits
  if (!ServeToTheEnd(*this, slot).has_begun) return std::nullopt;
  return progress_;
}

Progress CoroutineWorker::Resume(uint32_t slot) {
  progress_ = Progress::kEnded;
  std::exchange(frames_.coroutine(slot), nullptr).resume();
  return progress_;
}

void CoroutineWorker::Abandon(uint32_t slot) {
  std::exchange(frames_.coroutine(slot), nullptr).destroy();
}

}  // namespace

std::unique_ptr<EventWorker> CoroutineEngine::MakeWorker(Doorway doorway) {
  return std::make_unique<CoroutineWorker>(*this, std::move(doorway));
}

}  // namespace handshake::server

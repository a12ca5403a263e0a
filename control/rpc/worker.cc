#include "control/rpc/worker.h"

#include <utility>

namespace handshake::control {

Worker::Worker(size_t max_waiting) : max_waiting_(max_waiting), thread_([this] { Run(); }) {}

Worker::~Worker() { Stop(); }

Worker::Posted Worker::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Posted::kStopped;
    if (tasks_.size() >= max_waiting_) return Posted::kFull;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return Posted::kYes;
}

void Worker::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Worker::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace handshake::control

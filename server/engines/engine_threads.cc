#include "server/engines/engine_threads.h"

#include <sys/prctl.h>

#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/door/cpus.h"

namespace handshake::server {

absl::Status ThreadShortage(int error) {
  return absl::ResourceExhaustedError(absl::StrFormat(
      "cannot start a thread: %s; raise ulimit -u or the cgroup's pids.max, or ask for fewer",
      strerror(error)));
}

EngineThreads::~EngineThreads() { Join(); }

void EngineThreads::Join() {
  Give(Order::kLeave);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

absl::Status EngineThreads::Create(int64_t count, std::function<void(int64_t)> body) {
  threads_.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    try {
      threads_.emplace_back([this, i, body] {
        // The kernel keeps 15 characters.
        prctl(PR_SET_NAME, ModeName(mode_).substr(0, 15).data());
        StayOn(context_.options.cpus);
        const CpuMeter::Scope metered(context_.cpu_meter, mode_);
        std::unique_lock lock(mutex_);
        ordered_.wait(lock, [this] { return order_ != Order::kWait; });
        if (order_ == Order::kLeave) return;
        lock.unlock();
        body(i);
      });
    } catch (const std::system_error& error) {
      return ThreadShortage(error.code().value());
    }
  }
  return absl::OkStatus();
}

void EngineThreads::Release() { Give(Order::kRun); }

void EngineThreads::Give(Order order) {
  const std::lock_guard lock(mutex_);
  if (order_ == Order::kWait) order_ = order;
  ordered_.notify_all();
}

}  // namespace handshake::server

#include "server/engines/factory.h"

#include <algorithm>
#include <string_view>

#include "server/door/cpus.h"
#include "server/engines/coroutine.h"
#include "server/engines/epoll.h"
#include "server/engines/io_uring.h"
#include "server/engines/sequential.h"
#include "server/engines/thread_per_connection.h"
#include "server/engines/thread_pool.h"

namespace handshake::server {
EngineOptions WithDefaults(const EngineOptions& options) {
  EngineOptions filled = options;
  if (filled.cpus.empty()) filled.cpus = AllowedCpus();
  const auto cpus = static_cast<int64_t>(filled.cpus.size());
  if (filled.pool_threads == 0) filled.pool_threads = std::max<int64_t>(4, 2 * cpus);
  if (filled.workers == 0) filled.workers = std::max<int64_t>(1, cpus / 2);
  return filled;
}

std::string EngineDescription(Mode mode) {
  switch (mode) {
    case Mode::kSequential:
      return std::string(SequentialEngine::kDescription);
    case Mode::kThreadPerConnection:
      return std::string(ThreadPerConnectionEngine::kDescription);
    case Mode::kThreadPool:
      return std::string(ThreadPoolEngine::kDescription);
    case Mode::kEpoll:
      return std::string(EpollEngine::kDescription);
    case Mode::kCoroutine:
      return std::string(CoroutineEngine::kDescription);
    case Mode::kIoUring:
      return std::string(IoUringEngine::kDescription);
  }
  return "";
}

std::string EngineUnavailable(Mode mode, const EngineOptions& options, int64_t listener_count) {
  if (mode != Mode::kIoUring) return "";
  const absl::Status probed = IoUringEngine::Probe(options, listener_count);
  return probed.ok() ? "" : std::string(probed.message());
}

std::unique_ptr<Engine> MakeEngine(const EngineContext& context, Mode mode, uint32_t generation) {
  switch (mode) {
    case Mode::kSequential:
      return std::make_unique<SequentialEngine>(context, generation);
    case Mode::kThreadPerConnection:
      return std::make_unique<ThreadPerConnectionEngine>(context, generation);
    case Mode::kThreadPool:
      return std::make_unique<ThreadPoolEngine>(context, generation);
    case Mode::kEpoll:
      return std::make_unique<EpollEngine>(context, generation);
    case Mode::kCoroutine:
      return std::make_unique<CoroutineEngine>(context, generation);
    case Mode::kIoUring:
      return std::make_unique<IoUringEngine>(context, generation);
  }
  return nullptr;
}

int64_t EngineMaxConcurrent(Mode mode, const EngineOptions& options, int64_t fd_limit) {
  switch (mode) {
    case Mode::kSequential:
      return 1;
    case Mode::kThreadPerConnection:
      return std::min(options.max_threads, fd_limit);
    case Mode::kThreadPool:
      return std::min(options.pool_threads, fd_limit);
    case Mode::kEpoll:
    case Mode::kCoroutine:
      return fd_limit;
    case Mode::kIoUring:
      return options.io_uring_direct > 0 ? options.io_uring_direct : fd_limit;
  }
  return 0;
}

}  // namespace handshake::server

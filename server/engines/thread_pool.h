// `thread-pool`: a fixed number of threads, each with one connection at a time.
#ifndef HANDSHAKE_SERVER_ENGINES_THREAD_POOL_H_
#define HANDSHAKE_SERVER_ENGINES_THREAD_POOL_H_

#include <string_view>

#include "server/engines/blocking_workers.h"

namespace handshake::server {

// As many silent clients as threads hold up everybody else until their deadlines: that is the
// model.
class ThreadPoolEngine final : public BlockingWorkersEngine {
 public:
  static constexpr std::string_view kDescription =
      "a fixed number of threads, each takes one connection and serves it to its end";

  ThreadPoolEngine(const EngineContext& context, uint32_t generation)
      : BlockingWorkersEngine(context, Mode::kThreadPool, generation,
                              context.options.pool_threads) {}
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_THREAD_POOL_H_

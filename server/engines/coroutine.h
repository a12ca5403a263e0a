// `coroutine`: the reactor threads of `epoll`, with a C++20 coroutine for each connection.
#ifndef HANDSHAKE_SERVER_ENGINES_COROUTINE_H_
#define HANDSHAKE_SERVER_ENGINES_COROUTINE_H_

#include <memory>
#include <string_view>

#include "server/engines/event_workers.h"

namespace handshake::server {

// The code of a connection reads from top to bottom, as in the blocking modes; where it must wait,
// its coroutine is suspended and the loop goes on: see reactor_worker.h.
class CoroutineEngine final : public EventWorkersEngine {
 public:
  static constexpr std::string_view kDescription =
      "a few reactor threads, with a C++20 coroutine for each connection";

  CoroutineEngine(const EngineContext& context, uint32_t generation)
      : EventWorkersEngine(context, Mode::kCoroutine, generation) {}

 protected:
  std::unique_ptr<EventWorker> MakeWorker(Doorway doorway) override;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_COROUTINE_H_

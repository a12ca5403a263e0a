// `epoll`: a few reactor threads, each with many connections.
#ifndef HANDSHAKE_SERVER_ENGINES_EPOLL_H_
#define HANDSHAKE_SERVER_ENGINES_EPOLL_H_

#include <memory>
#include <string_view>

#include "server/engines/event_workers.h"

namespace handshake::server {

// A connection is served by the loop itself: see reactor_worker.h.
class EpollEngine final : public EventWorkersEngine {
 public:
  static constexpr std::string_view kDescription =
      "a few reactor threads, each serves many connections as they become ready";

  EpollEngine(const EngineContext& context, uint32_t generation)
      : EventWorkersEngine(context, Mode::kEpoll, generation) {}

 protected:
  std::unique_ptr<EventWorker> MakeWorker(Doorway doorway) override;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_EPOLL_H_

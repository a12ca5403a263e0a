#include "server/engines/epoll.h"

#include <optional>
#include <utility>

#include "server/engines/reactor_worker.h"

namespace handshake::server {
namespace {

// All state of a connection is in its record, so each time is like the first.
class EpollWorker final : public ReactorWorker {
 public:
  using ReactorWorker::ReactorWorker;

 private:
  std::optional<Progress> Begin(uint32_t slot) override { return Serve(slot); }
  Progress Resume(uint32_t slot) override { return Serve(slot); }
  void Abandon(uint32_t) override {}
};

}  // namespace

std::unique_ptr<EventWorker> EpollEngine::MakeWorker(Doorway doorway) {
  return std::make_unique<EpollWorker>(*this, std::move(doorway));
}

}  // namespace handshake::server

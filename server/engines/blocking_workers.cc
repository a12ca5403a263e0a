#include "server/engines/blocking_workers.h"

#include <poll.h>

namespace handshake::server {

BlockingWorkersEngine::BlockingWorkersEngine(const EngineContext& context, Mode mode,
                                             uint32_t generation, int64_t worker_count)
    : Engine(context, mode, generation),
      worker_count_(worker_count),
      threads_(this->context(), mode) {}

absl::Status BlockingWorkersEngine::Prepare() {
  if (absl::Status status = drain_.Open(); !status.ok()) return status;
  if (absl::Status status = leave_.Open(); !status.ok()) return status;
  watch_.emplace(context().door.MakeDoorway(), drain_);
  return threads_.Create(worker_count_, [this](int64_t) { RunWorker(); });
}

void BlockingWorkersEngine::Start() { threads_.Release(); }

void BlockingWorkersEngine::OnDrain() { drain_.Raise(); }

void BlockingWorkersEngine::HandOverAll() {
  leave_.Raise();
  AwaitEmpty();
}

void BlockingWorkersEngine::RunWorker() {
  Doorway doorway = context().door.MakeDoorway();
  while (std::optional<Connection> connection = TakeNext(doorway)) ServeToTheEnd(*connection);
}

std::optional<Connection> BlockingWorkersEngine::TakeNext(Doorway& doorway) {
  Taken taken = Take(doorway);  // under load this is all: no lock, no waiting
  const bool must_wait =
      taken.status == Taken::Status::kNothing || taken.status == Taken::Status::kExhausted;
  if (must_wait) taken = TakeAtDoor(doorway);
  return std::move(taken.connection);
}

Taken BlockingWorkersEngine::TakeAtDoor(Doorway& doorway) {
  const std::lock_guard turn(at_the_door_);
  TakeBackOff back_off;
  while (true) {
    Taken taken = Take(doorway);
    switch (taken.status) {
      case Taken::Status::kConnection:
      case Taken::Status::kStopped:
        return taken;
      case Taken::Status::kNothing:
        watch_->AwaitDoor();
        break;
      case Taken::Status::kExhausted:
        watch_->AwaitPause(back_off.Next());
        break;
    }
  }
}

void BlockingWorkersEngine::ServeToTheEnd(Connection& connection) {
  while (true) {
    const Progress progress = Serve(connection);
    if (progress == Progress::kEnded) return;
    if (connection.session.protocol().long_lived()) return Park(connection);
    const short interest = progress == Progress::kAwaitWritable ? POLLOUT : POLLIN;
    pollfd fds[] = {{.fd = connection.fd.get(), .events = interest, .revents = 0},
                    {.fd = leave_.fd(), .events = POLLIN, .revents = 0}};
    poll(fds, 2, net::TimeoutMs(connection.session.deadline(), wire::Clock::now()));
    if (fds[1].revents != 0) return HandOver({&connection, 1}, wire::Clock::now());
  }
}

}  // namespace handshake::server

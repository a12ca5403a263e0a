#include "server/engines/epoll.h"

#include <algorithm>
#include <utility>

namespace handshake::server {
namespace {

// Takes in one turn, so that a rush at the door does not keep those inside waiting.
constexpr int kTakesPerTurn = 1'024;

}  // namespace

std::unique_ptr<EventWorker> EpollEngine::MakeWorker(Doorway doorway) {
  return std::make_unique<EpollWorker>(*this, std::move(doorway));
}

EpollWorker::EpollWorker(EpollEngine& engine, Doorway doorway)
    : engine_(engine), doorway_(std::move(doorway)), wheel_(wire::Clock::now()) {}

absl::Status EpollWorker::Prepare() {
  if (absl::Status status = wake_.Open(); !status.ok()) return status;
  if (absl::Status status = reactor_.Open(); !status.ok()) return status;
  slice_.reserve(EpollEngine::kHandOverSlice);
  int error = reactor_.Watch(wake_.fd(), kWakeTag, net::Reactor::kReadable);
  // Watched from now on, so that Start() cannot fail; nobody looks before it.
  for (const int fd : doorway_.wait_fds) {
    if (error == 0) error = reactor_.Watch(fd, kDoorTag, net::Reactor::kReadable);
  }
  door_watched_ = error == 0;
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "epoll_ctl");
}

void EpollWorker::Run() {
  while (true) {
    bool door_ready = false;
    for (const net::Reactor::Event& event : reactor_.Wait(NextTurn())) {
      if (event.tag == kDoorTag) {
        door_ready = true;
      } else if (event.tag == kWakeTag) {
        wake_.Clear();
      } else if (const std::optional<uint32_t> slot = table_.Find(event.tag)) {
        Ready(*slot);
      }
    }
    const wire::TimePoint now = wire::Clock::now();
    if (back_at_door_ && now >= *back_at_door_) {
      back_at_door_.reset();
      door_ready = true;
    }
    if (door_ready && !stopped_) TakeAll();
    while (const std::optional<uint32_t> slot = wheel_.TakeDue(now)) Due(*slot, now);

    const EpollEngine::Phase phase = engine_.phase();
    if (phase == EpollEngine::Phase::kServing) continue;
    stopped_ = true;
    UnwatchDoor();
    if (phase == EpollEngine::Phase::kLeaving) HandOverSlice();
    if (table_.empty()) return;
  }
}

std::optional<wire::TimePoint> EpollWorker::NextTurn() const {
  // While it leaves, the next slice follows as soon as what is ready now was served.
  if (engine_.phase() == EpollEngine::Phase::kLeaving) return wire::TimePoint{};
  const std::optional<wire::TimePoint> due = wheel_.NextDue();
  if (!back_at_door_) return due;
  return due ? std::min(*due, *back_at_door_) : *back_at_door_;
}

void EpollWorker::TakeAll() {
  for (int i = 0; i < kTakesPerTurn; ++i) {
    Taken taken = engine_.Take(doorway_);
    switch (taken.status) {
      case Taken::Status::kConnection:
        back_off_.Reset();
        Admit(*std::move(taken.connection));
        continue;
      case Taken::Status::kNothing:
        return WatchDoor();
      case Taken::Status::kExhausted:
        UnwatchDoor();  // it stays readable, and would be reported without end
        back_at_door_ = wire::Clock::now() + back_off_.Next();
        return;
      case Taken::Status::kStopped:
        stopped_ = true;
        return UnwatchDoor();
    }
  }
  WatchDoor();  // enough for this turn; what is left is reported at once
}

void EpollWorker::WatchDoor() {
  if (door_watched_) return;
  door_watched_ = true;
  for (const int fd : doorway_.wait_fds) {
    // Memory for this was had before; should it fail now, the next back-off tries again.
    if (reactor_.Watch(fd, kDoorTag, net::Reactor::kReadable) == 0) continue;
    UnwatchDoor();
    back_at_door_ = wire::Clock::now() + back_off_.Next();
    return;
  }
}

void EpollWorker::UnwatchDoor() {
  if (!door_watched_) return;
  door_watched_ = false;
  for (const int fd : doorway_.wait_fds) reactor_.Unwatch(fd);
}

void EpollWorker::Admit(Connection&& connection) {
  const Progress progress = engine_.Serve(connection);
  if (progress == Progress::kEnded) return;
  Keep(table_.Add(std::move(connection), Note{}), progress);
}

void EpollWorker::Ready(uint32_t slot) {
  const Progress progress = engine_.Serve(table_.at(slot).connection);
  if (progress == Progress::kEnded) {
    Forget(slot);
  } else {
    Keep(slot, progress);
  }
}

void EpollWorker::Due(uint32_t slot, wire::TimePoint now) {
  const wire::TimePoint deadline = table_.at(slot).connection.session.deadline();
  if (now >= deadline) return Ready(slot);
  wheel_.Arm(slot, deadline);  // it moved since it was armed
}

void EpollWorker::Keep(uint32_t slot, Progress progress) {
  auto& [connection, note] = table_.at(slot);
  // A deadline that moved further away is noticed when the old one is due.
  wheel_.ArmNoLater(slot, connection.session.deadline());
  const uint32_t interest =
      progress == Progress::kAwaitWritable ? net::Reactor::kWritable : net::Reactor::kReadable;
  if (note.watching == interest) return;
  const int fd = connection.fd.get();
  const uint64_t tag = table_.TagOf(slot);
  const int error =
      note.watching == 0 ? reactor_.Watch(fd, tag, interest) : reactor_.Rewatch(fd, tag, interest);
  if (error == 0) {
    note.watching = interest;
    return;
  }
  // The kernel has no memory to watch it: the lobby finds somebody who can serve it.
  slice_.push_back(Forget(slot));
  engine_.HandOver(slice_, wire::Clock::now());
  slice_.clear();
}

Connection EpollWorker::Forget(uint32_t slot) {
  auto& [connection, note] = table_.at(slot);
  if (note.watching != 0 && connection.fd) reactor_.Unwatch(connection.fd.get());
  wheel_.Cancel(slot);
  return table_.Remove(slot);
}

void EpollWorker::HandOverSlice() {
  const wire::TimePoint detached_at = wire::Clock::now();
  uint32_t slot = 0;
  while (!table_.empty() && slice_.size() < EpollEngine::kHandOverSlice) {
    slot = table_.NextInUse(slot);
    slice_.push_back(Forget(slot));
  }
  if (!slice_.empty()) engine_.HandOver(slice_, detached_at);
  slice_.clear();
}

}  // namespace handshake::server

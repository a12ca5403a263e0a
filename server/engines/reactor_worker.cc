#include "server/engines/reactor_worker.h"

#include <algorithm>
#include <utility>

namespace handshake::server {
namespace {

// Takes in one turn, so that a rush at the door does not keep those inside waiting.
constexpr int kTakesPerTurn = 1'024;

}  // namespace

ReactorWorker::ReactorWorker(EventWorkersEngine& engine, Doorway doorway)
    : engine_(engine), doorway_(std::move(doorway)), wheel_(wire::Clock::now()) {}

absl::Status ReactorWorker::Prepare() {
  if (absl::Status status = wake_.Open(); !status.ok()) return status;
  if (absl::Status status = reactor_.Open(); !status.ok()) return status;
  slice_.reserve(EventWorkersEngine::kHandOverSlice);
  int error = reactor_.Watch(wake_.fd(), kWakeTag, net::Reactor::kReadable);
  // Watched from now on, so that Start() cannot fail; nobody looks before it.
  for (const int fd : doorway_.wait_fds) {
    if (error == 0) error = reactor_.Watch(fd, kDoorTag, net::Reactor::kReadable);
  }
  door_watched_ = error == 0;
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "epoll_ctl");
}

void ReactorWorker::Run() {
  while (true) {
    bool door_ready = false;
    for (const net::Reactor::Event& event : reactor_.Wait(NextTurn())) {
      if (event.tag == kDoorTag) {
        door_ready = true;
      } else if (event.tag == kWakeTag) {
        wake_.Clear();
      } else if (const std::optional<uint32_t> slot = table_.Find(event.tag)) {
        Settle(*slot, Resume(*slot));
      }
    }
    const wire::TimePoint now = wire::Clock::now();
    if (back_at_door_) {
      door_ready = now >= *back_at_door_;
      if (door_ready) back_at_door_.reset();
    }
    if (door_ready && !stopped_) TakeAll();
    while (const std::optional<uint32_t> slot = wheel_.TakeDue(now)) Due(*slot, now);

    const EventWorkersEngine::Phase phase = engine_.phase();
    if (phase == EventWorkersEngine::Phase::kServing) continue;
    stopped_ = true;
    UnwatchDoor();
    if (phase == EventWorkersEngine::Phase::kLeaving) HandOverSlice();
    if (table_.empty()) return;
  }
}

std::optional<wire::TimePoint> ReactorWorker::NextTurn() const {
  // While it leaves, the next slice follows as soon as what is ready now was served.
  if (engine_.phase() == EventWorkersEngine::Phase::kLeaving) return wire::TimePoint{};
  const std::optional<wire::TimePoint> due = wheel_.NextDue();
  if (!back_at_door_) return due;
  return due ? std::min(*due, *back_at_door_) : *back_at_door_;
}

void ReactorWorker::TakeAll() {
  for (int i = 0; i < kTakesPerTurn; ++i) {
    Taken taken = engine_.Take(doorway_);
    switch (taken.status) {
      case Taken::Status::kConnection:
        Admit(*std::move(taken.connection));
        if (back_at_door_) return;
        back_off_.Reset();
        continue;
      case Taken::Status::kNothing:
        return WatchDoor();
      case Taken::Status::kExhausted:
        return StayAway();
      case Taken::Status::kStopped:
        stopped_ = true;
        return UnwatchDoor();
    }
  }
  WatchDoor();  // enough for this turn; what is left is reported at once
}

void ReactorWorker::WatchDoor() {
  if (door_watched_) return;
  door_watched_ = true;
  for (const int fd : doorway_.wait_fds) {
    // Memory for this was had before; should it fail now, the next back-off tries again.
    if (reactor_.Watch(fd, kDoorTag, net::Reactor::kReadable) == 0) continue;
    return StayAway();
  }
}

void ReactorWorker::UnwatchDoor() {
  if (!door_watched_) return;
  door_watched_ = false;
  for (const int fd : doorway_.wait_fds) reactor_.Unwatch(fd);
}

void ReactorWorker::StayAway() {
  UnwatchDoor();  // it stays readable, and would be reported without end
  back_at_door_ = wire::Clock::now() + back_off_.Next();
}

void ReactorWorker::Admit(Connection&& connection) {
  const uint32_t slot = table_.Add(std::move(connection), Note{});
  if (const std::optional<Progress> progress = Begin(slot)) {
    Settle(slot, *progress);
  } else {
    PassOn(Forget(slot));
  }
}

void ReactorWorker::Settle(uint32_t slot, Progress progress) {
  if (progress == Progress::kEnded) {
    Forget(slot);
  } else {
    Keep(slot, progress);
  }
}

void ReactorWorker::Due(uint32_t slot, wire::TimePoint now) {
  const wire::TimePoint deadline = table_.at(slot).connection.session.deadline();
  if (now >= deadline) return Settle(slot, Resume(slot));
  wheel_.Arm(slot, deadline);  // it moved since it was armed
}

void ReactorWorker::Keep(uint32_t slot, Progress progress) {
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
  Abandon(slot);
  PassOn(Forget(slot));
}

void ReactorWorker::PassOn(Connection&& connection) {
  engine_.HandOver({&connection, 1}, wire::Clock::now());
  StayAway();  // or the two would pass it to and fro without a pause
}

Connection ReactorWorker::Forget(uint32_t slot) {
  auto& [connection, note] = table_.at(slot);
  if (note.watching != 0 && connection.fd) reactor_.Unwatch(connection.fd.get());
  wheel_.Cancel(slot);
  return table_.Remove(slot);
}

void ReactorWorker::HandOverSlice() {
  const wire::TimePoint detached_at = wire::Clock::now();
  uint32_t slot = 0;
  while (!table_.empty() && slice_.size() < EventWorkersEngine::kHandOverSlice) {
    slot = table_.NextInUse(slot);
    Abandon(slot);
    slice_.push_back(Forget(slot));
  }
  if (!slice_.empty()) engine_.HandOver(slice_, detached_at);
  slice_.clear();
}

}  // namespace handshake::server

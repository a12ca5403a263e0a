#include "server/door/lobby.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "server/door/drive.h"

namespace handshake::server {
namespace {

// Connections that are ended, at their deadlines or at the close, under one hold of the lock.
constexpr int kEndedPerTurn = 64;

uint32_t InterestOf(const Connection& connection) {
  return connection.session.need() == wire::Need::kWrite ? net::Reactor::kWritable
                                                         : net::Reactor::kReadable;
}

// Has the session failed, with only the farewell left to do? No engine is needed for that.
bool IsLeaving(const Connection& connection) {
  return connection.session.verdict() != wire::Verdict::kNone;
}

}  // namespace

Lobby::Lobby(Ledger& ledger)
    : ledger_(ledger), orphan_gap_(stats::kServerLatencyLayout), wheel_(wire::Clock::now()) {}

Lobby::~Lobby() { Stop(); }

absl::Status Lobby::Start() {
  if (absl::Status status = reactor_.Open(); !status.ok()) return status;
  if (absl::Status status = offered_event_.Open(); !status.ok()) return status;
  if (absl::Status status = wake_event_.Open(); !status.ok()) return status;
  if (const int error = reactor_.Watch(wake_event_.fd(), kWakeTag, net::Reactor::kReadable)) {
    return absl::ErrnoToStatus(error, "epoll_ctl");
  }
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(error.what());
  }
  return absl::OkStatus();
}

void Lobby::Admit(std::span<Connection> slice, wire::TimePoint detached_at) {
  const std::lock_guard lock(mutex_);
  const wire::TimePoint now = wire::Clock::now();
  for (Connection& connection : slice) {
    if (close_at_ && now >= *close_at_) {
      Abort(connection, closing_verdict_, ledger_, now);
      continue;
    }
    const wire::TimePoint deadline = connection.session.deadline();
    const uint32_t slot = table_.Add(std::move(connection), Note{});
    size_.fetch_add(1, std::memory_order_relaxed);
    wheel_.Arm(slot, deadline);
    Watch(slot);
    if (!waiting_until_ || deadline < *waiting_until_) wake_event_.Raise();
  }
  const auto gap = wire::Clock::now() - detached_at;
  for (size_t i = 0; i < slice.size(); ++i) {
    orphan_gap_.Record(std::chrono::duration_cast<std::chrono::microseconds>(gap).count());
  }
}

std::optional<Connection> Lobby::TakeOffered() {
  if (offered_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  // A taker must not wait: the offer stands, and the event brings it, or another one, back.
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || oldest_offer_ == kNone) return std::nullopt;
  return Forget(oldest_offer_);
}

size_t Lobby::mapped_bytes() const {
  const std::lock_guard lock(mutex_);
  return table_.mapped_bytes() + wheel_.mapped_bytes();
}

void Lobby::Close(wire::TimePoint deadline, wire::Verdict verdict) {
  const std::lock_guard lock(mutex_);
  offering_ = false;
  close_at_ = deadline;
  closing_verdict_ = verdict;
  while (oldest_offer_ != kNone) Serve(oldest_offer_, wire::Clock::now());
  wake_event_.Raise();  // deadlines may have moved nearer
}

std::optional<wire::Verdict> Lobby::ClosedFor(wire::TimePoint now) const {
  const std::lock_guard lock(mutex_);
  if (!close_at_ || now < *close_at_) return std::nullopt;
  return closing_verdict_;
}

void Lobby::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    const wire::TimePoint now = wire::Clock::now();
    while (!table_.empty()) EndSome(now);
  }
  if (!thread_.joinable()) return;
  wake_event_.Raise();
  thread_.join();
}

void Lobby::Run() {
  prctl(PR_SET_NAME, "lobby");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    waiting_until_ = NextTurn();
    const std::optional<wire::TimePoint> until = waiting_until_;
    lock.unlock();
    const std::span<const net::Reactor::Event> events = reactor_.Wait(until);
    lock.lock();
    for (const net::Reactor::Event& event : events) {
      if (event.tag == kWakeTag) {
        wake_event_.Clear();
      } else if (const std::optional<uint32_t> slot = table_.Find(event.tag)) {
        OnReady(*slot);
      }
    }
    const wire::TimePoint now = wire::Clock::now();
    // What is left is due at the next turn, at once; in between others get the lock.
    for (int i = 0; i < kEndedPerTurn; ++i) {
      const std::optional<uint32_t> slot = wheel_.TakeDue(now);
      if (!slot) break;
      OnDue(*slot, now);
    }
    if (close_at_ && now >= *close_at_) EndSome(now);
  }
}

std::optional<wire::TimePoint> Lobby::NextTurn() const {
  const std::optional<wire::TimePoint> due = wheel_.NextDue();  // if there is anything to watch
  return due && close_at_ ? std::min(*due, *close_at_) : due;
}

void Lobby::EndSome(wire::TimePoint now) {
  uint32_t slot = 0;
  for (int i = 0; i < kEndedPerTurn && !table_.empty(); ++i) {
    slot = table_.NextInUse(slot);
    Connection connection = Forget(slot);
    Abort(connection, closing_verdict_, ledger_, now);
  }
}

void Lobby::OnReady(uint32_t slot) {
  if (table_.at(slot).note.offered) return;  // an event from before it was offered
  if (offering_ && !IsLeaving(table_.at(slot).connection)) {
    Offer(slot);
  } else {
    Serve(slot, wire::Clock::now());
  }
}

void Lobby::OnDue(uint32_t slot, wire::TimePoint now) {
  const wire::TimePoint deadline = table_.at(slot).connection.session.deadline();
  if (now < deadline) return wheel_.Arm(slot, deadline);
  Serve(slot, now);  // reads what has arrived, then judges
}

void Lobby::Offer(uint32_t slot) {
  ConnectionTable<Note>::Entry& entry = table_.at(slot);
  reactor_.Unwatch(entry.connection.fd.get());
  entry.note = {.offered = true, .older = newest_offer_};
  (newest_offer_ == kNone ? oldest_offer_ : table_.at(newest_offer_).note.newer) = slot;
  newest_offer_ = slot;
  if (offered_count_.fetch_add(1, std::memory_order_release) == 0) offered_event_.Raise();
}

void Lobby::Withdraw(uint32_t slot) {
  Note& note = table_.at(slot).note;
  if (!note.offered) return;
  (note.older == kNone ? oldest_offer_ : table_.at(note.older).note.newer) = note.newer;
  (note.newer == kNone ? newest_offer_ : table_.at(note.newer).note.older) = note.older;
  note.offered = false;
  if (offered_count_.fetch_sub(1, std::memory_order_release) == 1) offered_event_.Clear();
}

void Lobby::Serve(uint32_t slot, wire::TimePoint now) {
  ConnectionTable<Note>::Entry& entry = table_.at(slot);
  Withdraw(slot);
  if (Drive(entry.connection, ledger_, now) == Progress::kEnded) {
    Forget(slot);
    return;
  }
  wheel_.Arm(slot, entry.connection.session.deadline());
  Watch(slot);
}

void Lobby::Watch(uint32_t slot) {
  ConnectionTable<Note>::Entry& entry = table_.at(slot);
  const int fd = entry.connection.fd.get();
  const uint32_t interest = InterestOf(entry.connection);
  if (entry.note.watching == interest) return;
  const uint64_t tag = table_.TagOf(slot);
  const int error = entry.note.watching == 0 ? reactor_.Watch(fd, tag, interest)
                                             : reactor_.Rewatch(fd, tag, interest);
  entry.note.watching = error == 0 ? interest : 0;
  // What the kernel will not watch for us an engine must: better a useless turn than an orphan.
  if (error != 0 && offering_) Offer(slot);
}

Connection Lobby::Forget(uint32_t slot) {
  ConnectionTable<Note>::Entry& entry = table_.at(slot);
  Withdraw(slot);
  if (entry.note.watching != 0 && entry.connection.fd) {
    reactor_.Unwatch(entry.connection.fd.get());
  }
  wheel_.Cancel(slot);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return table_.Remove(slot);
}

}  // namespace handshake::server

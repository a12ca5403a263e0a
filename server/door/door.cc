#include "server/door/door.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "spdlog/spdlog.h"

namespace handshake::server {
namespace {

// Errors of accept that belong to the one connection, which is gone, and not to the listener.
bool IsOfTheConnection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM:
      return true;
    default:
      return false;
  }
}

// As many broken connections in a row are taken for a fault of the machine: accepting pauses.
constexpr int kBrokenInARow = 256;

Taken Nothing(Taken::Status status) {
  return {.status = status, .connection = std::nullopt, .error = 0};
}

Taken Exhausted(int error) {
  return {.status = Taken::Status::kExhausted, .connection = std::nullopt, .error = error};
}

}  // namespace

absl::Status Door::Open(const std::vector<ListenerOptions>& options) {
  for (const ListenerOptions& one : options) {
    absl::StatusOr<Listener> listener = Listener::Open(one);
    if (!listener.ok()) return listener.status();
    wait_fds_.push_back(listener->fd());
    listeners_.push_back(*std::move(listener));
  }
  wait_fds_.push_back(lobby_.offered_fd());
  return reserve_.Open();
}

Taken Door::Take(const Taker& taker) {
  if (!taker.gate.Enter()) return Nothing(Taken::Status::kStopped);
  Taken taken = {
      .status = Taken::Status::kConnection, .connection = lobby_.TakeOffered(), .error = 0};
  if (!taken.connection) taken = Accept(taker);
  if (taken.connection) taker.taken_count.fetch_add(1);
  taker.gate.Leave();
  if (taken.error != 0) LogExhausted(taken.error);  // outside the gate: a log may block
  return taken;
}

Taken Door::Accept(const Taker& taker) {
  if (!reserve_.MayAccept()) return Exhausted(EMFILE);
  const size_t count = listeners_.size();
  const size_t first = count == 1 ? 0 : next_listener_.fetch_add(1, std::memory_order_relaxed);
  for (size_t i = 0; i < count; ++i) {
    const Listener& listener = listeners_[(first + i) % count];
    int fd;
    int broken = 0;
    do {
      fd = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    } while (fd < 0 && IsOfTheConnection(errno) && ++broken < kBrokenInARow);
    if (fd >= 0) return Born(taker, listener, fd);
    if (errno == EAGAIN || errno == EWOULDBLOCK) continue;
    const int error = errno;  // EMFILE, ENFILE, ENOBUFS, ENOMEM
    reserve_.OnShortage();
    return Exhausted(error);
  }
  return Nothing(Taken::Status::kNothing);
}

void Door::LogExhausted(int error) {
  if (const auto suppressed = exhausted_log_.Allow(0, wire::Clock::now())) {
    spdlog::warn("accepting pauses: {}; raise ulimit -n or lower the load (said {} times before)",
                 strerror(error), *suppressed);
  }
}

Taken Door::Born(const Taker& taker, const Listener& listener, int fd) {
  // The gate is only closed, from the closer's point of view, once no taker is inside.
  if (taker.gate.acknowledged()) births_after_stop_.fetch_add(1);
  assert(!taker.gate.acknowledged() && "a connection was born after StopTaking had returned");
  Taken taken = {
      .status = Taken::Status::kConnection,
      .connection = Connection{.session = wire::Session(listener.protocol(), wire::Clock::now()),
                               .fd = net::UniqueFd(fd),
                               .birth_generation = taker.generation,
                               .birth_mode = taker.mode},
      .error = 0};
  reserve_.Note(fd);
  ledger_.CountAccepted(*taken.connection);
  return taken;
}

void Door::RefuseNew() {
  for (Listener& listener : listeners_) listener.RefuseNew();
}

int64_t Door::QueueLength() const {
  int64_t length = 0;
  for (const Listener& listener : listeners_) length += listener.QueueLength();
  return length;
}

void Door::ShutListeners() {
  for (Listener& listener : listeners_) listener.Shut();
}

void Door::CloseListeners() {
  for (Listener& listener : listeners_) listener.Close();
}

}  // namespace handshake::server

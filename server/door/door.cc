#include "server/door/door.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/door/cpus.h"
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

// Connections that a taker takes from one listener before it looks at the next.
constexpr int kStay = 16;

Taken Nothing(Taken::Status status) {
  return {.status = status, .connection = std::nullopt, .error = 0};
}

Taken Exhausted(int error) {
  return {.status = Taken::Status::kExhausted, .connection = std::nullopt, .error = error};
}

}  // namespace

absl::Status Door::Open(const std::vector<ListenerOptions>& options, std::span<const int> cpus) {
  shards_ = static_cast<int64_t>(cpus.size());
  for (size_t i = 0; i < options.size(); ++i) {
    absl::StatusOr<std::vector<Listener>> shards =
        Listener::OpenShards(options[i], static_cast<int>(i), cpus);
    if (!shards.ok()) return shards.status();
    for (Listener& shard : *shards) listeners_.push_back(std::move(shard));
  }
  return reserve_.Open();
}

Doorway Door::MakeDoorway(int64_t worker, int64_t workers) const {
  Doorway doorway;
  const std::vector<int> share = ShareOf(worker, workers, shards_);
  for (const Listener& listener : listeners_) {
    if (!std::binary_search(share.begin(), share.end(), listener.shard())) continue;
    doorway.listeners.push_back(&listener);
    doorway.wait_fds.push_back(listener.fd());
  }
  doorway.wait_fds.push_back(lobby_.offered_fd());
  return doorway;
}

Taken Door::Take(const Taker& taker, Doorway& doorway) {
  if (!taker.gate.Enter()) return Nothing(Taken::Status::kStopped);
  Taken taken = Nothing(Taken::Status::kNothing);
  if (doorway.offers == kStay) {  // the listeners' turn
    doorway.offers = 0;
    taken = Accept(taker, doorway);
  }
  if (!taken.connection) {
    if (std::optional<Connection> offered = lobby_.TakeOffered()) {
      taken = {.status = Taken::Status::kConnection, .connection = std::move(offered), .error = 0};
      ++doorway.offers;
    } else {
      taken = Accept(taker, doorway);
    }
  }
  if (taken.connection) taker.taken_count.fetch_add(1);
  taker.gate.Leave();
  if (taken.error != 0) LogExhausted(taken.error);  // outside the gate: a log may block
  return taken;
}

Taken Door::Accept(const Taker& taker, Doorway& doorway) {
  if (!reserve_.MayAccept()) return Exhausted(EMFILE);
  const auto go_on = [&doorway] {
    doorway.at = (doorway.at + 1) % doorway.listeners.size();
    doorway.stay = 0;
  };
  if (doorway.stay == kStay) go_on();
  for (size_t i = 0; i < doorway.listeners.size(); ++i) {
    const Listener& listener = *doorway.listeners[doorway.at];
    int fd;
    int broken = 0;
    do {
      fd = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    } while (fd < 0 && IsOfTheConnection(errno) && ++broken < kBrokenInARow);
    if (fd >= 0) {
      ++doorway.stay;
      return {.status = Taken::Status::kConnection,
              .connection = Born(taker, listener, fd, wire::Clock::now()),
              .error = 0};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      go_on();
      continue;
    }
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

int64_t Door::InFlight() const {
  const Ledger::Totals totals = ledger_.ReadTotals();
  return totals.accepted - totals.completed - totals.failed;
}

int64_t Door::Room() const { return reserve_.Room(InFlight()); }

bool Door::MayInstall() {
  reserve_.CountWithoutFd(-1);  // before the look: of several at once none takes another's
  if (reserve_.RoomNow(InFlight()) >= 0) return true;
  reserve_.CountWithoutFd(1);
  return false;
}

void Door::LogNoPlace() {
  if (const auto suppressed = exhausted_log_.Allow(0, wire::Clock::now())) {
    spdlog::warn(
        "accepting pauses: all places for connections without a descriptor are taken; raise "
        "--io-uring-direct or lower the load (said {} times before)",
        *suppressed);
  }
}

absl::Status Door::CanInstallAll() {
  const int64_t without = reserve_.without_fd();
  const int64_t room = std::max<int64_t>(reserve_.RoomNow(InFlight()), 0);
  if (without <= room) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "%d connections have no file descriptor (--io-uring-direct) and would need one each, and "
      "there "
      "is room for %d: wait until %d of them have ended, or raise the limit of open files",
      without, room, without - room));
}

bool Door::AcceptFailed(int error) {
  if (IsOfTheConnection(error) || error == EAGAIN) return true;
  reserve_.OnShortage();
  LogExhausted(error);
  return false;
}

std::optional<Connection> Door::TakeOffered(const Taker& taker) {
  if (!taker.gate.Enter()) return std::nullopt;
  std::optional<Connection> offered = lobby_.TakeOffered();
  if (offered) taker.taken_count.fetch_add(1);
  taker.gate.Leave();
  return offered;
}

Connection Door::Admit(const Taker& taker, const Listener& listener, int fd, wire::TimePoint now) {
  taker.taken_count.fetch_add(1);
  return Born(taker, listener, fd, now);
}

Connection Door::Born(const Taker& taker, const Listener& listener, int fd, wire::TimePoint now) {
  // The gate is only closed, from the closer's point of view, once no taker is inside.
  if (taker.gate.acknowledged()) births_after_stop_.fetch_add(1);
  assert(!taker.gate.acknowledged() && "a connection was born after StopTaking had returned");
  Connection connection = {.session = wire::Session(listener.protocol(), now),
                           .fd = net::UniqueFd(fd),
                           .birth_mode = taker.mode};
  if (fd == kWithoutFd) {
    reserve_.CountWithoutFd(1);
  } else {
    reserve_.Note(fd);
  }
  ledger_.CountAccepted(connection);
  return connection;
}

std::vector<net::Address> Door::addresses() const {
  std::vector<net::Address> addresses;
  for (const Listener& listener : listeners_) {
    if (listener.shard() == 0) addresses.push_back(listener.address());
  }
  return addresses;
}

std::vector<ListenerStats> Door::ListenersStats() const {
  std::vector<ListenerStats> all;
  for (const Listener& listener : listeners_) {
    const ListenerStats one = listener.Stats();
    if (listener.shard() == 0) {
      all.push_back(one);
      continue;
    }
    all.back().accept_queue += one.accept_queue;
    all.back().accept_queue_limit += one.accept_queue_limit;
    all.back().dropped += one.dropped;
  }
  return all;
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

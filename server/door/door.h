// Where engines take connections from: the listeners, and what the lobby offers.
#ifndef HANDSHAKE_SERVER_DOOR_DOOR_H_
#define HANDSHAKE_SERVER_DOOR_DOOR_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/log/rate_limiter.h"
#include "server/door/connection.h"
#include "server/door/fd_reserve.h"
#include "server/door/ledger.h"
#include "server/door/listener.h"
#include "server/door/lobby.h"
#include "server/door/mode.h"
#include "server/door/take_gate.h"

namespace handshake::server {

// Who takes: what a connection that is born now is counted to.
struct Taker {
  Mode mode;
  TakeGate& gate;
  std::atomic<int64_t>& taken_count;  // raised while the gate holds the taker inside
};

struct Taken {
  enum class Status : uint8_t {
    kConnection,
    kNothing,    // wait until one of wait_fds() is readable
    kExhausted,  // no descriptor or memory: stay away from the door for TakeBackOff::Next()
    kStopped,    // the taker's gate is closed
  };
  Status status;
  std::optional<Connection> connection;  // set with kConnection
  int error;                             // with kExhausted: the errno
};

// The part of the door that one taker uses, by itself: some of the shards, and the lobby's offers.
struct Doorway {
  std::vector<const Listener*> listeners;
  // Readable, level-triggered, while Take() has something: the listeners and the lobby's offers.
  std::vector<int> wait_fds;
  // Where Take() goes on: at the same listener for some time, then at the next, for fairness.
  size_t at = 0;
  int stay = 0;
  // Offers taken since the listeners had their turn: a crowd of them keeps nobody waiting there.
  int offers = 0;
};

// One for the process, owned by the data plane. Any thread, from Open() until CloseListeners().
class Door {
 public:
  // Borrows both.
  Door(Lobby& lobby, Ledger& ledger) : lobby_(lobby), ledger_(ledger) {}

  // A shard for each of `cpus`, of every address.
  absl::Status Open(const std::vector<ListenerOptions>& options, std::span<const int> cpus);

  // The shards that are the worker's by ShareOf(). The other workers cover the others, so all
  // `workers` doorways must be used, by one thread or by several.
  Doorway MakeDoorway(int64_t worker = 0, int64_t workers = 1) const;

  // Never waits. One connection a call: an offered one before a fresh one. Several threads and
  // engines may take at doorways to the same shards: each connection is given out once.
  Taken Take(const Taker& taker, Doorway& doorway);

  // For takers that let the kernel accept, and hear of it later. On return of the last of these no
  // accept may be in progress: StopTaking() is theirs to make certain.
  //
  // May one be asked for? Not while descriptors are short: TakeBackOff::Next(), then again.
  bool MayAccept() { return reserve_.MayAccept(); }
  // How many more connections may come, to all takers together, before anybody looks. Below 0 near
  // the limit of descriptors. Costs about a microsecond.
  int64_t Room() const;
  // The kernel has accepted `fd` from `listener`. kWithoutFd: it has, but the file has a place in a
  // ring and no descriptor of the process; nor has the Connection, then.
  static constexpr int kWithoutFd = -1;
  Connection Admit(const Taker& taker, const Listener& listener, int fd, wire::TimePoint now);

  // For takers of connections without a descriptor. May one of these get one now? If so it counts
  // as one that has: StaysWithoutFd() if it did not get it after all.
  bool MayInstall();
  void StaysWithoutFd() { reserve_.CountWithoutFd(1); }
  // One has ended that neither had a descriptor nor the permission for it.
  void EndedWithoutFd() { reserve_.CountWithoutFd(-1); }
  // All places are taken: says so, once a second at most.
  void LogNoPlace();
  // OK if all of these could get one now; else FAILED_PRECONDITION with the numbers.
  absl::Status CanInstallAll();

  // An accept has failed. True: with that one connection only, ask again at once; false:
  // descriptors or memory have run out, stay away.
  bool AcceptFailed(int error);
  // The offers alone: as Take(), without an accept.
  std::optional<Connection> TakeOffered(const Taker& taker);

  int64_t listener_count() const { return static_cast<int64_t>(listeners_.size()); }
  // In the order of the options, all shards of an address together.
  std::vector<net::Address> addresses() const;
  std::vector<ListenerStats> ListenersStats() const;  // one an address, its shards added up

  // Accepts that met a closed gate after its engine had acknowledged: always 0.
  int64_t births_after_stop() const { return births_after_stop_.load(); }

  // For the shutdown, in this order: nothing new; the queue is empty; no engine takes: shut; no
  // engine waits at a doorway any more: close.
  void RefuseNew();
  int64_t QueueLength() const;
  void ShutListeners();
  void CloseListeners();

 private:
  Taken Accept(const Taker& taker, Doorway& doorway);
  int64_t InFlight() const;
  void LogExhausted(int error);
  Connection Born(const Taker& taker, const Listener& listener, int fd, wire::TimePoint now);

  Lobby& lobby_;
  Ledger& ledger_;
  FdReserve reserve_;
  std::vector<Listener> listeners_;
  int64_t shards_ = 1;  // of each address
  std::atomic<int64_t> births_after_stop_{0};
  log::RateLimiter exhausted_log_{1, 1};
};

// As many broken connections in a row are taken for a fault of the machine: accepting pauses.
inline constexpr int kBrokenInARow = 256;

// How long a taker stays away from the door when descriptors, memory or threads have run out: twice
// as long each time, until something could be taken again.
class TakeBackOff {
 public:
  static constexpr std::chrono::milliseconds kFirst{10};
  static constexpr std::chrono::milliseconds kLongest{200};
  // The time to stay away.
  wire::Duration Next() {
    const auto pause = pause_;
    pause_ = std::min(pause_ * 2, kLongest);
    return pause;
  }
  void Reset() { pause_ = kFirst; }

 private:
  std::chrono::milliseconds pause_ = kFirst;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_DOOR_H_

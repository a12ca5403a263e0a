// The one readiness loop: a thin, level-triggered epoll. Its owner keeps the table of what it
// watches and tells its entries apart by tag.
#ifndef HANDSHAKE_COMMON_NET_REACTOR_H_
#define HANDSHAKE_COMMON_NET_REACTOR_H_

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "common/net/unique_fd.h"

namespace handshake::net {

// Wait() belongs to one thread; Watch, Rewatch and Unwatch may be called from any.
class Reactor {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr uint32_t kReadable = EPOLLIN;
  static constexpr uint32_t kWritable = EPOLLOUT;

  struct Event {
    uint64_t tag;
    uint32_t what;  // kReadable, kWritable; an error or hang-up sets both
  };

  // RESOURCE_EXHAUSTED and the like, with errno's text. Call once, before anything else.
  absl::Status Open();

  // Returns 0 or errno (ENOSPC, ENOMEM). The fd is borrowed and must be unwatched before it is
  // handed to somebody else; close() of its only descriptor unwatches by itself.
  int Watch(int fd, uint64_t tag, uint32_t what);
  int Rewatch(int fd, uint64_t tag, uint32_t what);
  void Unwatch(int fd);

  // Waits until something is ready or `until` has passed (nothing: no limit; at millisecond grain,
  // never early). The span is valid until the next Wait(). An entry may be stale if its fd was
  // unwatched since Wait() returned: tags carry what is needed to notice.
  std::span<const Event> Wait(std::optional<TimePoint> until);
  // The same at the grain of the clock, for who must act at a time and not only by it. A kernel
  // before 5.11 has milliseconds all the same.
  std::span<const Event> WaitPrecisely(std::optional<TimePoint> until);

 private:
  std::span<const Event> Translate(int ready);

  static constexpr size_t kEventsPerWait = 256;
  UniqueFd epoll_;
  std::array<epoll_event, kEventsPerWait> raw_;
  std::array<Event, kEventsPerWait> events_;
};

// The timeout that poll and epoll take: milliseconds, rounded up, -1 for no limit.
int TimeoutMs(std::optional<Reactor::TimePoint> until, Reactor::TimePoint now);

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_REACTOR_H_

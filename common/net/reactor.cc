#include "common/net/reactor.h"

#include <algorithm>
#include <cerrno>
#include <climits>

namespace handshake::net {

absl::Status Reactor::Open() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return absl::ErrnoToStatus(errno, "epoll_create1");
  return absl::OkStatus();
}

int Reactor::Watch(int fd, uint64_t tag, uint32_t what) {
  epoll_event event{.events = what, .data = {.u64 = tag}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int Reactor::Rewatch(int fd, uint64_t tag, uint32_t what) {
  epoll_event event{.events = what, .data = {.u64 = tag}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void Reactor::Unwatch(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const Reactor::Event> Reactor::Wait(std::optional<TimePoint> until) {
  const int timeout = TimeoutMs(until, std::chrono::steady_clock::now());
  const int n = epoll_wait(epoll_.get(), raw_.data(), static_cast<int>(raw_.size()), timeout);
  if (n <= 0) return {};  // nothing in time, or a signal: the owner looks around and waits again
  for (int i = 0; i < n; ++i) {
    uint32_t what = raw_[i].events;
    if ((what & (EPOLLERR | EPOLLHUP)) != 0) what |= kReadable | kWritable;
    events_[i] = {.tag = raw_[i].data.u64, .what = what & (kReadable | kWritable)};
  }
  return std::span(events_).first(static_cast<size_t>(n));
}

int TimeoutMs(std::optional<Reactor::TimePoint> until, Reactor::TimePoint now) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

}  // namespace handshake::net

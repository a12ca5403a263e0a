#include "common/net/reactor.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

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
  return Translate(epoll_wait(epoll_.get(), raw_.data(), static_cast<int>(raw_.size()), timeout));
}

std::span<const Reactor::Event> Reactor::WaitPrecisely(std::optional<TimePoint> until) {
  timespec timeout{};
  if (until) {
    const std::chrono::nanoseconds left =
        std::max(*until - std::chrono::steady_clock::now(), TimePoint::duration::zero());
    timeout.tv_sec = static_cast<time_t>(left / std::chrono::seconds(1));
    timeout.tv_nsec = static_cast<long>((left % std::chrono::seconds(1)).count());
  }
  const int n = epoll_pwait2(epoll_.get(), raw_.data(), static_cast<int>(raw_.size()),
                             until ? &timeout : nullptr, nullptr);
  if (n < 0 && errno == ENOSYS) return Wait(until);
  return Translate(n);
}

std::span<const Reactor::Event> Reactor::Translate(int ready) {
  if (ready <= 0) return {};  // nothing in time, or a signal: the owner looks and waits again
  for (int i = 0; i < ready; ++i) {
    uint32_t what = raw_[i].events;
    if ((what & (EPOLLERR | EPOLLHUP)) != 0) what |= kReadable | kWritable;
    events_[i] = {.tag = raw_[i].data.u64, .what = what & (kReadable | kWritable)};
  }
  return std::span(events_).first(static_cast<size_t>(ready));
}

int TimeoutMs(std::optional<Reactor::TimePoint> until, Reactor::TimePoint now) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

}  // namespace handshake::net

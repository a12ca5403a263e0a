#include "server/door/fd_reserve.h"

#include <fcntl.h>

#include <cerrno>

namespace handshake::server {

absl::Status FdReserve::Fill() {
  const std::lock_guard lock(mutex_);
  fds_.reserve(kSize);
  while (fds_.size() < kSize) {
    net::UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) {
      const int error = errno;
      fds_.clear();
      if (error != EMFILE && error != ENFILE) return absl::ErrnoToStatus(error, "open /dev/null");
      return absl::ResourceExhaustedError(
          "the limit on open files is too low to serve: raise it with ulimit -n, to 256 at least");
    }
    fds_.push_back(std::move(fd));
  }
  held_.store(true, std::memory_order_relaxed);
  return absl::OkStatus();
}

void FdReserve::LetGo() {
  const std::lock_guard lock(mutex_);
  held_.store(false, std::memory_order_relaxed);
  fds_.clear();
}

}  // namespace handshake::server

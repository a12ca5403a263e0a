#include "common/net/wake_event.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

#include "absl/status/status.h"

namespace handshake::net {

absl::Status WakeEvent::Open() {
  fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd_) return absl::ErrnoToStatus(errno, "eventfd");
  return absl::OkStatus();
}

void WakeEvent::Raise() {
  const uint64_t one = 1;  // EAGAIN: it is full, hence readable
  while (write(fd_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void WakeEvent::Clear() {
  uint64_t count = 0;
  while (read(fd_.get(), &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

}  // namespace handshake::net

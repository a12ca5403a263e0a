// An eventfd: something a thread can wait on beside its sockets.
#ifndef HANDSHAKE_COMMON_NET_WAKE_EVENT_H_
#define HANDSHAKE_COMMON_NET_WAKE_EVENT_H_

#include "absl/status/status.h"
#include "common/net/unique_fd.h"

namespace handshake::net {

// Safe to use from any thread once open. As a latch: raised once, never cleared, so that every
// thread that waits on it sees it. As a signal: its one reader clears it.
class WakeEvent {
 public:
  // RESOURCE_EXHAUSTED if no file descriptor is left. Call once, before anything else.
  absl::Status Open();
  int fd() const { return fd_.get(); }
  void Raise();  // readable from now on; never blocks
  void Clear();  // no longer readable until the next Raise()

 private:
  UniqueFd fd_;
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_WAKE_EVENT_H_

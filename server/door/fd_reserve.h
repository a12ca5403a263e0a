// File descriptors kept back, so that control still answers when connections have used up the rest.
#ifndef HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_
#define HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_

#include <atomic>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "common/net/unique_fd.h"

namespace handshake::server {

// Connections are accepted only while the reserve is held. When accept fails for want of a
// descriptor the reserve is let go for everybody else to use, and accepting goes on once it could
// be filled again: that many descriptors are free then. Any thread.
class FdReserve {
 public:
  static constexpr int kSize = 32;  // control connections, /proc and log files of a busy moment

  // RESOURCE_EXHAUSTED, with the limit to set, if there is no room even now.
  absl::Status Fill();
  bool held() const { return held_.load(std::memory_order_relaxed); }
  // True if it is held (again).
  bool TryRefill() { return held() || Fill().ok(); }
  void LetGo();

 private:
  std::mutex mutex_;
  std::vector<net::UniqueFd> fds_;  // guarded by mutex_
  std::atomic<bool> held_{false};
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_

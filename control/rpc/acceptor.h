// Accepts the connections of a gRPC server in its place. gRPC's own accept stops for good at the
// first EMFILE, and takes as many connections as come.
#ifndef HANDSHAKE_CONTROL_RPC_ACCEPTOR_H_
#define HANDSHAKE_CONTROL_RPC_ACCEPTOR_H_

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "common/log/rate_limiter.h"
#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/net/wake_event.h"
#include "control/rpc/limits.h"

namespace handshake::control {

// One listener and one thread. A connection is handed out with its first byte, so that those who
// say nothing cost gRPC nothing and take nobody's place: at most so many of them wait, for a while,
// and one more ends the oldest. Of those that speak beyond the most at once each
// is closed. While descriptors are short it pauses, and connections wait in the kernel's queue.
// Owned by a host; Listen() and Start() once, by one thread.
class Acceptor {
 public:
  // Takes ownership of a connected, non-blocking descriptor. Called by the acceptor's thread.
  using Handler = std::function<void(int fd)>;

  // silence: how long who says nothing may stay.
  explicit Acceptor(size_t max_connections,
                    std::chrono::nanoseconds silence = kConnectionHandshakeTimeout);
  ~Acceptor();  // as Stop()

  // ALREADY_EXISTS: the address is taken; UNAVAILABLE: not an address of this machine, or no
  // descriptor is left. Each says what to do.
  absl::Status Listen(const net::Address& address);
  // The address in force: a port 0 was replaced.
  net::Address address() const { return net::Address::OfSocket(listener_.get()); }

  // RESOURCE_EXHAUSTED: no thread.
  absl::Status Start(Handler handler);
  // On return the handler is not called any more. Idempotent.
  void Stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Accepted, and not a byte was read yet.
  struct Silent {
    net::UniqueFd fd;
    TimePoint until;
  };

  void Run();
  // Until somebody speaks, comes or stops it; `pausing`: nobody is let in meanwhile.
  void Wait(bool pausing);
  // False: nothing may be accepted for a while.
  bool AcceptOne();
  // Ends those who waited too long, hands out those who speak.
  void HearSilent();
  void HandOut(net::UniqueFd fd);
  bool HasSeat();

  const size_t max_connections_;
  const std::chrono::nanoseconds silence_;
  Handler handler_;
  net::UniqueFd listener_;
  net::WakeEvent stop_;
  std::deque<Silent> silent_;  // the oldest first
  std::vector<pollfd> waits_;  // stop, listener, then one for each of silent_
  // What was handed out, each descriptor with what tells its socket from all other files: whoever
  // closes it says nothing, but then the number is free, or another file's.
  struct FileId {
    dev_t device;
    ino_t inode;
    friend bool operator==(const FileId&, const FileId&) = default;
  };
  static FileId IdOf(int fd);
  std::unordered_map<int, FileId> seats_;
  log::RateLimiter log_{1, 1};
  std::thread thread_;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_ACCEPTOR_H_

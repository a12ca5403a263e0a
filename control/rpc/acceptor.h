// Accepts the connections of a gRPC server in its place. gRPC's own accept stops for good at the
// first EMFILE, and takes as many connections as come.
#ifndef HANDSHAKE_CONTROL_RPC_ACCEPTOR_H_
#define HANDSHAKE_CONTROL_RPC_ACCEPTOR_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <thread>
#include <unordered_map>

#include "absl/status/status.h"
#include "common/log/rate_limiter.h"
#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/net/wake_event.h"

namespace handshake::control {

// One listener and one thread. While descriptors are short it pauses, and connections wait in the
// kernel's queue; of those beyond the most at once each is closed as soon as it was accepted. Owned
// by a host; Listen() and Start() once, by one thread.
class Acceptor {
 public:
  // Takes ownership of a connected, non-blocking descriptor. Called by the acceptor's thread.
  using Handler = std::function<void(int fd)>;

  explicit Acceptor(size_t max_connections);
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
  void Run();
  // False: nothing may be accepted for a while.
  bool AcceptOne();
  bool HasSeat();

  const size_t max_connections_;
  Handler handler_;
  net::UniqueFd listener_;
  net::WakeEvent stop_;
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

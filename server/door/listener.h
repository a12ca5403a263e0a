// One listening socket, opened once and kept for the life of the process.
#ifndef HANDSHAKE_SERVER_DOOR_LISTENER_H_
#define HANDSHAKE_SERVER_DOOR_LISTENER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/server_handshake.h"

namespace handshake::server {

struct ListenerOptions {
  net::Address address;  // port 0 picks a free one
  wire::HandshakeOptions handshake;
};

struct ListenerStats {
  std::string address;
  std::string protocol;            // "handshake"
  std::string framing;             // "auto", "line", "bare"
  int64_t accept_queue = 0;        // connections that wait to be accepted
  int64_t accept_queue_limit = 0;  // the backlog in force
  int64_t dropped = 0;             // connection attempts dropped at this listener (SO_MEMINFO)
};

// Non-blocking, shared by all engines, never closed while one serves: closing a listener resets
// what waits in its queue. Const methods may be called from any thread.
class Listener {
 public:
  // ALREADY_EXISTS: the address is taken; INVALID_ARGUMENT: not an address of this machine;
  // PERMISSION_DENIED: a privileged port. Each says what to do.
  static absl::StatusOr<Listener> Open(const ListenerOptions& options);

  int fd() const { return fd_.get(); }
  const net::Address& address() const { return address_; }
  const wire::Protocol& protocol() const { return *protocol_; }
  ListenerStats Stats() const;
  // Connections that wait to be accepted.
  int64_t QueueLength() const;

  // For the shutdown only: lets as good as nothing new into the queue; ends it, while others may
  // still wait on fd(); frees fd().
  void RefuseNew();
  void Shut();
  void Close() { fd_.reset(); }

 private:
  Listener() = default;

  net::UniqueFd fd_;
  net::Address address_;
  wire::Framing framing_ = wire::Framing::kAuto;
  // On the heap: sessions refer to it while the listener moves.
  std::unique_ptr<wire::HandshakeProtocol> protocol_;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_LISTENER_H_

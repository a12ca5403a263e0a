// The listening sockets of one address, opened once and kept for the life of the process.
#ifndef HANDSHAKE_SERVER_DOOR_LISTENER_H_
#define HANDSHAKE_SERVER_DOOR_LISTENER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/wire/command_dialect.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/lines_dialect.h"
#include "common/wire/server_handshake.h"
#include "server/door/mode_stats.h"

namespace handshake::server {

// What is spoken at a listener, and how.
using ProtocolOptions =
    std::variant<wire::HandshakeOptions, wire::LinesOptions, wire::CommandOptions>;

struct ListenerOptions {
  net::Address address;  // port 0 picks a free one
  ProtocolOptions protocol;
};

struct ListenerStats {
  std::string address;
  std::string protocol;            // "handshake", "lines", "command"
  std::string framing;             // of a handshake: "auto", "line", "bare"
  int64_t accept_queue = 0;        // connections that wait to be accepted
  int64_t accept_queue_limit = 0;  // the backlog in force
  int64_t dropped = 0;             // connection attempts dropped at this listener (SO_MEMINFO)
  LedgerRow ledger;
};

// One socket: one shard of an address. Non-blocking, shared by all engines, never closed while one
// serves: closing a listener resets what waits in its queue. Const methods may be called from any
// thread.
class Listener {
 public:
  // One socket for each of `cpus` (at least one), in their order. The kernel gives a connection to
  // the socket of the CPU that its SYN came in on; where it cannot be told so, by a hash.
  // ALREADY_EXISTS: the address is taken; INVALID_ARGUMENT: not an address of this machine;
  // PERMISSION_DENIED: a privileged port. Each says what to do.
  // `number`: its place among the listeners, see Protocol::listener().
  static absl::StatusOr<std::vector<Listener>> OpenShards(const ListenerOptions& options,
                                                          int number, std::span<const int> cpus);

  int fd() const { return fd_.get(); }
  // Its number among the sockets of its address.
  int shard() const { return shard_; }
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
  absl::Status Listen(const net::Address& address, bool joins_others);

  net::UniqueFd fd_;
  int shard_ = 0;
  net::Address address_;
  std::string_view framing_;
  // One for all shards, on the heap: sessions refer to it while the listener moves.
  std::shared_ptr<const wire::Protocol> protocol_;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_LISTENER_H_

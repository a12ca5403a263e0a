// Who is at the other end of a call, as gRPC tells it.
#ifndef HANDSHAKE_CONTROL_RPC_PEER_H_
#define HANDSHAKE_CONTROL_RPC_PEER_H_

#include <string>
#include <string_view>

namespace handshake::control {

struct Peer {
  std::string address;    // "127.0.0.1:40000", "[::1]:40000", "unix:"
  bool is_local = false;  // a loopback address or a Unix socket
};

// `text` is what grpc::ServerContextBase::peer() gives: "ipv4:127.0.0.1:40000",
// "ipv6:%5B::1%5D:40000", "unix:...". What is none of these is not local.
Peer ParsePeer(std::string_view text);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_PEER_H_

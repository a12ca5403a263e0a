// An IPv4 or IPv6 socket address: "127.0.0.1:7000", "[::1]:7000".
#ifndef HANDSHAKE_COMMON_NET_ADDRESS_H_
#define HANDSHAKE_COMMON_NET_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace handshake::net {

// A plain value. The default is 0.0.0.0:0.
class Address {
 public:
  Address();

  // Numeric only: "HOST:PORT" with an IPv4 host, or an IPv6 host in brackets; "localhost" means
  // 127.0.0.1. INVALID_ARGUMENT says what is wrong with `text` and what is expected.
  static absl::StatusOr<Address> Parse(std::string_view text);
  // The IPv4 address in host byte order, for the 127.x.y.z source addresses of load.
  static Address FromIpv4(uint32_t host_order, uint16_t port);
  // A copy; of the family AF_INET or AF_INET6.
  static Address Of(const sockaddr& address);
  // The local or remote end of a socket; 0.0.0.0:0 if it has none.
  static Address OfSocket(int fd);
  static Address OfPeer(int fd);

  std::string ToString() const;
  int family() const { return storage_.ss_family; }
  uint16_t port() const;
  void set_port(uint16_t port);
  // 127.0.0.0/8 or ::1. An IPv4-mapped IPv6 address is never loopback.
  bool IsLoopback() const;

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const;

  friend bool operator==(const Address& a, const Address& b) {
    return a.ToString() == b.ToString();
  }

 private:
  sockaddr_storage storage_{};
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_ADDRESS_H_

// Where load may be sent: it must never be a cannon.
#ifndef HANDSHAKE_CLIENT_TARGET_LIST_H_
#define HANDSHAKE_CLIENT_TARGET_LIST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/net/address.h"
#include "common/net/cidr.h"

namespace handshake::client {

// Addresses and ports that load may be sent to: loopback, and what was allowed beside it. Whatever
// was allowed, no load goes to port 0, to 0.0.0.0/8, 240.0.0.0/4, to unspecified, link-local,
// multicast and broadcast addresses, nor to IPv6 addresses that stand for IPv4 ones (mapped,
// compatible, translated, 6to4, Teredo). Constant while it is shared.
class TargetList {
 public:
  // CIDR:PORT; CIDR is a block or one address, IPv6 in brackets; PORT is a number, FROM-TO or *:
  // "10.0.0.0/8:7000", "[2001:db8::/32]:7000-7010", "192.0.2.1:*". INVALID_ARGUMENT says what is
  // wrong.
  absl::Status Allow(std::string_view text);
  // A server's own listener. 0.0.0.0 and [::] stand for the addresses that this machine has now.
  void AllowListener(const net::Address& address);

  // PERMISSION_DENIED: load may not be sent there; the message lists where it may.
  absl::Status Check(const net::Address& target) const;
  // HOST:PORT, HOST numeric or a name, which is looked up here, in at most 5 s. Every address it
  // has must be allowed; the answer is the first. INVALID_ARGUMENT: not that. UNAVAILABLE: no
  // such name, or names cannot be looked up now. PERMISSION_DENIED as above.
  absl::StatusOr<net::Address> Resolve(std::string_view target) const;

 private:
  struct Range {
    net::Cidr addresses;
    uint16_t first_port = 0;
    uint16_t last_port = 0;
    std::string text;
  };
  bool Allows(const net::Address& target) const;

  std::vector<Range> ranges_;  // beside loopback
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_TARGET_LIST_H_

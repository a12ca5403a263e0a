// A block of addresses: "10.0.0.0/8", "2001:db8::/32".
#ifndef HANDSHAKE_COMMON_NET_CIDR_H_
#define HANDSHAKE_COMMON_NET_CIDR_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/net/address.h"

namespace handshake::net {

// A plain value. The families never contain each other: an IPv4-mapped IPv6 address is IPv6.
class Cidr {
 public:
  // ADDRESS/PREFIX, numeric; ADDRESS alone is that one address. INVALID_ARGUMENT: not that, or bits
  // are set behind the prefix.
  static absl::StatusOr<Cidr> Parse(std::string_view text);
  // That one address; its port does not matter.
  static Cidr Of(const Address& address);

  bool Contains(const Address& address) const;
  int family() const { return family_; }
  std::string ToString() const;  // with its prefix, without brackets

 private:
  using Bytes = std::array<uint8_t, 16>;  // network order; IPv4 uses the first 4
  static Bytes BytesOf(const Address& address);
  bool HasBitsBehindPrefix() const;

  int family_ = 0;
  int prefix_ = 0;
  Bytes bytes_{};
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_CIDR_H_

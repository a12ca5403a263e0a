#include "common/net/cidr.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "absl/strings/str_format.h"

namespace handshake::net {
namespace {

int BitsOf(int family) { return family == AF_INET6 ? 128 : 32; }

absl::Status BadCidr(std::string_view text, const char* why) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "bad address block '%s': %s; write ADDRESS/PREFIX, as in 10.0.0.0/8 or 2001:db8::/32", text,
      why));
}

// Are the first `bits` of both the same?
bool SameStart(const uint8_t* a, const uint8_t* b, int bits) {
  const int whole = bits / 8;
  if (std::memcmp(a, b, static_cast<size_t>(whole)) != 0) return false;
  const int rest = bits % 8;
  return rest == 0 || (a[whole] >> (8 - rest)) == (b[whole] >> (8 - rest));
}

}  // namespace

absl::StatusOr<Cidr> Cidr::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Cidr cidr;
  if (host.find('\0') != std::string::npos) return BadCidr(text, "it contains a zero byte");
  if (inet_pton(AF_INET, host.c_str(), cidr.bytes_.data()) == 1) {
    cidr.family_ = AF_INET;
  } else if (inet_pton(AF_INET6, host.c_str(), cidr.bytes_.data()) == 1) {
    cidr.family_ = AF_INET6;
  } else {
    return BadCidr(text, "there is no numeric address");
  }
  cidr.prefix_ = BitsOf(cidr.family_);
  if (slash == std::string_view::npos) return cidr;
  const std::string_view prefix = text.substr(slash + 1);
  int bits = 0;
  const auto [end, error] = std::from_chars(prefix.data(), prefix.data() + prefix.size(), bits);
  if (error != std::errc() || end != prefix.data() + prefix.size() || bits < 0 ||
      bits > BitsOf(cidr.family_)) {
    return BadCidr(text, "the prefix is not a number of the address's bits");
  }
  cidr.prefix_ = bits;
  if (cidr.HasBitsBehindPrefix()) return BadCidr(text, "the address has bits behind the prefix");
  return cidr;
}

Cidr Cidr::Of(const Address& address) {
  Cidr cidr;
  cidr.family_ = address.family();
  cidr.prefix_ = BitsOf(cidr.family_);
  cidr.bytes_ = BytesOf(address);
  return cidr;
}

bool Cidr::Contains(const Address& address) const {
  return address.family() == family_ && SameStart(BytesOf(address).data(), bytes_.data(), prefix_);
}

std::string Cidr::ToString() const {
  char host[INET6_ADDRSTRLEN] = "";
  inet_ntop(family_, bytes_.data(), host, sizeof(host));
  return absl::StrFormat("%s/%d", host, prefix_);
}

Cidr::Bytes Cidr::BytesOf(const Address& address) {
  Bytes bytes{};
  if (address.family() == AF_INET6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr,
                16);
  } else {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
  }
  return bytes;
}

bool Cidr::HasBitsBehindPrefix() const {
  for (int bit = prefix_; bit < BitsOf(family_); ++bit) {
    if ((bytes_[static_cast<size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) return true;
  }
  return false;
}

}  // namespace handshake::net

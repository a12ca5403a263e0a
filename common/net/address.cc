#include "common/net/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "absl/strings/str_format.h"

namespace handshake::net {
namespace {

sockaddr_in& In(sockaddr_storage& s) { return reinterpret_cast<sockaddr_in&>(s); }
const sockaddr_in& In(const sockaddr_storage& s) { return reinterpret_cast<const sockaddr_in&>(s); }
sockaddr_in6& In6(sockaddr_storage& s) { return reinterpret_cast<sockaddr_in6&>(s); }
const sockaddr_in6& In6(const sockaddr_storage& s) {
  return reinterpret_cast<const sockaddr_in6&>(s);
}

absl::Status BadAddress(std::string_view text, const char* why) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "bad address '%s': %s; write HOST:PORT, for example 127.0.0.1:7000 or [::1]:7000", text,
      why));
}

}  // namespace

Address::Address() { storage_.ss_family = AF_INET; }

absl::StatusOr<Address> Address::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadAddress(text, "it has no port");
  std::string host(text.substr(0, colon));
  const std::string_view port_text = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc() || end != port_text.data() + port_text.size()) {
    return BadAddress(text, "the port is not a number from 0 to 65535");
  }
  if (host.find('\0') != std::string::npos) return BadAddress(text, "it contains a zero byte");
  Address address;
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    address.storage_.ss_family = AF_INET6;
    if (inet_pton(AF_INET6, host.c_str(), &In6(address.storage_).sin6_addr) != 1) {
      return BadAddress(text, "the host in brackets is not an IPv6 address");
    }
  } else if (inet_pton(AF_INET, host.c_str(), &In(address.storage_).sin_addr) != 1) {
    return BadAddress(text, "the host is not a numeric IPv4 address (IPv6 needs brackets)");
  }
  address.set_port(port);
  return address;
}

Address Address::FromIpv4(uint32_t host_order, uint16_t port) {
  Address address;
  In(address.storage_).sin_addr.s_addr = htonl(host_order);
  address.set_port(port);
  return address;
}

Address Address::Of(const sockaddr& address) {
  Address copy;
  const size_t size = address.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(&copy.storage_, &address, size);
  return copy;
}

Address Address::OfSocket(int fd) {
  Address address;
  socklen_t size = sizeof(address.storage_);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &size) != 0) return {};
  return address;
}

Address Address::OfPeer(int fd) {
  Address address;
  socklen_t size = sizeof(address.storage_);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage_), &size) != 0) return {};
  return address;
}

std::string Address::ToString() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &In6(storage_).sin6_addr, host, sizeof(host));
    return absl::StrFormat("[%s]:%d", host, port());
  }
  inet_ntop(AF_INET, &In(storage_).sin_addr, host, sizeof(host));
  return absl::StrFormat("%s:%d", host, port());
}

uint16_t Address::port() const {
  return ntohs(family() == AF_INET6 ? In6(storage_).sin6_port : In(storage_).sin_port);
}

void Address::set_port(uint16_t port) {
  (family() == AF_INET6 ? In6(storage_).sin6_port : In(storage_).sin_port) = htons(port);
}

bool Address::IsLoopback() const {
  if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&In6(storage_).sin6_addr);
  return (ntohl(In(storage_).sin_addr.s_addr) >> 24) == 127;
}

socklen_t Address::size() const {
  return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

}  // namespace handshake::net

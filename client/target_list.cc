#include "client/target_list.h"

#include <ifaddrs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/lookup.h"

namespace handshake::client {
namespace {

// Nothing good can come of load that goes there. An IPv6 address that carries an IPv4 one would
// lead around the list, which judges each by its own family.
constexpr std::array kForbidden = {
    "0.0.0.0/8",        // this host
    "169.254.0.0/16",   // link-local
    "224.0.0.0/4",      // multicast
    "240.0.0.0/4",      // reserved, and broadcast
    "::ffff:0:0/96",    // IPv4-mapped
    "::ffff:0:0:0/96",  // IPv4-translated
    "64:ff9b::/96",     // NAT64
    "64:ff9b:1::/48",   // NAT64, local
    "100::/64",         // discarded
    "2001::/32",        // Teredo
    "2002::/16",        // 6to4
    "fe80::/10",        // link-local
    "fec0::/10",        // site-local, abandoned
    "ff00::/8",         // multicast
};
constexpr const char* kCompatible = "::/96";  // unspecified and IPv4-compatible; ::1 is loopback

bool IsIn(const char* cidr, const net::Address& address) {
  return net::Cidr::Parse(cidr)->Contains(address);
}

bool IsForbidden(const net::Address& address) {
  if (address.IsLoopback()) return false;
  return IsIn(kCompatible, address) ||
         std::any_of(kForbidden.begin(), kForbidden.end(),
                     [&](const char* cidr) { return IsIn(cidr, address); });
}

struct HostAndPort {
  std::string_view host;  // without brackets
  std::string_view port;
};

// Nothing: there is no port, or a bracket is missing. IPv6 needs brackets.
std::optional<HostAndPort> Split(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool opens = host.starts_with('[');
  if (opens != host.ends_with(']')) return std::nullopt;
  if (opens) host = host.substr(1, host.size() - 2);
  if (opens != (host.find(':') != std::string_view::npos)) return std::nullopt;
  return HostAndPort{.host = host, .port = text.substr(colon + 1)};
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<std::pair<uint16_t, uint16_t>> ParsePorts(std::string_view text) {
  if (text == "*") return std::pair<uint16_t, uint16_t>(1, UINT16_MAX);
  const size_t dash = text.find('-');
  const std::optional<uint16_t> first = ParsePort(text.substr(0, dash));
  const std::optional<uint16_t> last =
      dash == std::string_view::npos ? first : ParsePort(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

absl::Status BadRange(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s': %s; write CIDR:PORT, as in 10.0.0.0/8:7000, [2001:db8::/32]:7000-7010 "
                      "or 192.0.2.1:*",
                      text, why));
}

// Of all interfaces, without a port.
std::vector<net::Address> OwnAddresses(int family) {
  std::vector<net::Address> own;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return own;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != family) continue;
    own.push_back(net::Address::Of(*entry->ifa_addr));
  }
  freeifaddrs(list);
  return own;
}

bool IsUnspecified(const net::Address& address) {
  return IsIn("0.0.0.0/32", address) || IsIn("::/128", address);
}

}  // namespace

absl::Status TargetList::Allow(std::string_view text) {
  const std::optional<HostAndPort> parts = Split(text);
  if (!parts) return BadRange(text, "it has no port, or brackets are wrong");
  const absl::StatusOr<net::Cidr> addresses = net::Cidr::Parse(parts->host);
  if (!addresses.ok()) return BadRange(text, "before the port there is no address block");
  const auto ports = ParsePorts(parts->port);
  if (!ports) return BadRange(text, "the port is not 1 to 65535, FROM-TO or *");
  ranges_.push_back({.addresses = *addresses,
                     .first_port = ports->first,
                     .last_port = ports->second,
                     .text = std::string(text)});
  return absl::OkStatus();
}

void TargetList::AllowListener(const net::Address& address) {
  std::vector<net::Address> own = {address};
  if (IsUnspecified(address)) own = OwnAddresses(address.family());
  for (net::Address& each : own) {
    each.set_port(address.port());
    if (each.IsLoopback() || IsForbidden(each)) continue;
    ranges_.push_back({.addresses = net::Cidr::Of(each),
                       .first_port = address.port(),
                       .last_port = address.port(),
                       .text = each.ToString()});
  }
}

absl::Status TargetList::Check(const net::Address& target) const {
  if (target.port() == 0) return absl::InvalidArgumentError("the target must name a port");
  if (IsForbidden(target)) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "no load is ever sent to %s: it is unspecified, link-local, multicast, reserved, or stands "
        "for an IPv4 address",
        target.ToString()));
  }
  if (Allows(target)) return absl::OkStatus();
  const std::string beside = absl::StrJoin(
      ranges_, "", [](std::string* out, const Range& range) { *out += ", " + range.text; });
  return absl::PermissionDeniedError(absl::StrFormat(
      "%s is not a loopback address, and not allowed (--allow-load): load may be sent to "
      "127.0.0.0/8, [::1]%s",
      target.ToString(), beside));
}

absl::StatusOr<net::Address> TargetList::Resolve(std::string_view target) const {
  const absl::StatusOr<net::Address> numeric = net::Address::Parse(target);
  if (numeric.ok()) {
    if (absl::Status allowed = Check(*numeric); !allowed.ok()) return allowed;
    return numeric;
  }
  const std::optional<HostAndPort> parts = Split(target);
  if (!parts || !IsHostName(parts->host)) return numeric.status();
  const std::optional<uint16_t> port = ParsePort(parts->port);
  if (!port) return numeric.status();
  absl::StatusOr<std::vector<net::Address>> addresses = LookUp(std::string(parts->host));
  if (!addresses.ok()) return addresses.status();
  for (net::Address& address : *addresses) {
    address.set_port(*port);
    if (absl::Status allowed = Check(address); !allowed.ok()) return allowed;
  }
  return addresses->front();
}

bool TargetList::Allows(const net::Address& target) const {
  return target.IsLoopback() ||
         std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
           return range.addresses.Contains(target) && range.first_port <= target.port() &&
                  target.port() <= range.last_port;
         });
}

}  // namespace handshake::client

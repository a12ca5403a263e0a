#include "control/rpc/peer.h"

#include <array>
#include <utility>

#include "common/net/address.h"

namespace handshake::control {
namespace {

// The peer is a URI; of its escapes only these occur in an address.
std::string DecodeBrackets(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 3> kEscapes = {
      {{"%5B", '['}, {"%5D", ']'}, {"%25", '%'}}};
  std::string decoded(text);
  for (const auto& [escape, character] : kEscapes) {
    const size_t at = decoded.find(escape);
    if (at != std::string::npos) decoded.replace(at, escape.size(), 1, character);
  }
  return decoded;
}

}  // namespace

Peer ParsePeer(std::string_view text) {
  if (text.starts_with("unix:")) return {.address = "unix:", .is_local = true};
  if (!text.starts_with("ipv4:") && !text.starts_with("ipv6:")) {
    return {.address = std::string(text), .is_local = false};
  }
  std::string address = DecodeBrackets(text.substr(5));
  const auto parsed = net::Address::Parse(address);
  return {.address = std::move(address), .is_local = parsed.ok() && parsed->IsLoopback()};
}

}  // namespace handshake::control

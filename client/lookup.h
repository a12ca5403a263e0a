// The addresses of a host name.
#ifndef HANDSHAKE_CLIENT_LOOKUP_H_
#define HANDSHAKE_CLIENT_LOOKUP_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/net/address.h"

namespace handshake::client {

// Letters, digits, '-', '_' and dots between them, at most 253; and not a number in disguise, which
// resolvers take for an address ("127.1", "0x7f000001", "0177.0.0.1").
bool IsHostName(std::string_view text);

// Asks the system's resolver and waits at most 5 s. At least one address, each with port 0.
// UNAVAILABLE: the name has none, or no answer came.
absl::StatusOr<std::vector<net::Address>> LookUp(const std::string& host);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LOOKUP_H_

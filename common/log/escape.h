// Text that came from outside, made safe to print.
#ifndef HANDSHAKE_COMMON_LOG_ESCAPE_H_
#define HANDSHAKE_COMMON_LOG_ESCAPE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace handshake::log {

// Peer bytes in a log line: cut here, with "..." behind.
inline constexpr size_t kMaxPeerBytes = 64;

// Printable ASCII as it is, but \\ for a backslash; \r, \n, \t; \xNN for any other byte. At most
// `most` bytes of the input.
std::string Escape(std::string_view peer_bytes, size_t most = kMaxPeerBytes);

// The inside of a JSON string, valid UTF-8 whatever `text` is: a byte that is not becomes U+FFFD.
std::string EscapeJson(std::string_view text);

}  // namespace handshake::log

#endif  // HANDSHAKE_COMMON_LOG_ESCAPE_H_

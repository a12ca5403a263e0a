// What every kind of run asks of its spec.
#ifndef HANDSHAKE_CLIENT_SPEC_CHECK_H_
#define HANDSHAKE_CLIENT_SPEC_CHECK_H_

#include <chrono>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/net/address.h"
#include "common/wire/handshake_machine.h"

namespace handshake::client {

template <typename... Args>
absl::Status Invalid(const absl::FormatSpec<Args...>& format, const Args&... args) {
  return absl::InvalidArgumentError(absl::StrFormat(format, args...));
}

// INVALID_ARGUMENT with what to change: the target's port, the framing, the timeouts.
absl::Status CheckPeer(const net::Address& target, const wire::HandshakeOptions& handshake,
                       std::chrono::nanoseconds connect_timeout);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_SPEC_CHECK_H_

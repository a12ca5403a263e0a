#include "client/spec_check.h"

#include "common/wire/limits.h"

namespace handshake::client {

absl::Status CheckPeer(const net::Address& target, const wire::HandshakeOptions& handshake,
                       std::chrono::nanoseconds connect_timeout) {
  if (target.port() == 0) {
    return Invalid("the target %s has no port; give HOST:PORT", target.ToString());
  }
  if (handshake.framing == wire::Framing::kAuto) {
    return Invalid("a client's framing is line or bare, not auto");
  }
  for (const auto timeout : {connect_timeout, std::chrono::nanoseconds(handshake.step_timeout),
                             std::chrono::nanoseconds(handshake.handshake_timeout)}) {
    if (timeout.count() <= 0 || timeout > wire::kMaxTimeout) {
      return Invalid("a timeout must be above 0 and at most %d minutes", wire::kMaxTimeout.count());
    }
  }
  return absl::OkStatus();
}

}  // namespace handshake::client

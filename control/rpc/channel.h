// The client's side of control: from an endpoint to a channel, and from gRPC's failures to messages
// that say what to do.
#ifndef HANDSHAKE_CONTROL_RPC_CHANNEL_H_
#define HANDSHAKE_CONTROL_RPC_CHANNEL_H_

#include <chrono>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/rpc/limits.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace handshake::control {

// A channel to "HOST:PORT"; connects at its first call. Each channel has its own connection and
// goes through no proxy. INVALID_ARGUMENT: not an address, port 0, or not loopback (there is no TLS
// yet, and nothing is sent in the clear over a network).
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(std::string_view endpoint);

// Bounds one call from now.
void SetTimeout(grpc::ClientContext& context,
                std::chrono::nanoseconds timeout = kDefaultCallTimeout);

// The outcome of a call to `endpoint` with a message for people, one line: an unreachable server
// and an expired deadline are put into words; what the server said is passed on.
absl::Status Explain(const grpc::Status& status, std::string_view endpoint);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_CHANNEL_H_

#include "control/rpc/channel.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/net/address.h"
#include "control/rpc/grpc_log.h"
#include "control/rpc/status.h"
#include "grpc/grpc.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace handshake::control {

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(std::string_view endpoint) {
  const absl::StatusOr<net::Address> address = net::Address::Parse(endpoint);
  if (!address.ok()) return address.status();
  if (address->port() == 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("endpoint %s has port 0: give the port that the server printed", endpoint));
  }
  if (!address->IsLoopback()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "endpoint %s is not loopback: without TLS only 127.0.0.0/8 and [::1] are allowed; reach "
        "another machine through an SSH tunnel",
        endpoint));
  }
  RouteGrpcLog();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  return grpc::CreateCustomChannel(address->ToString(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

void SetTimeout(grpc::ClientContext& context, std::chrono::nanoseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

absl::Status Explain(const grpc::Status& status, std::string_view endpoint) {
  // gRPC's own words for a connection that could not be made, or broke.
  const bool not_connected = absl::StrContains(status.error_message(), "failed to connect");
  const bool broken = absl::StrContains(status.error_message(), "Socket closed") ||
                      absl::StrContains(status.error_message(), "onnection reset");
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && not_connected) {
    return absl::UnavailableError(absl::StrFormat(
        "nothing answers at %s: start handshake-server, or give its control address as endpoint",
        endpoint));
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && broken) {
    return absl::UnavailableError(
        absl::StrFormat("the connection to %s broke: did the server stop?", endpoint));
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return absl::DeadlineExceededError(
        absl::StrFormat("no answer from %s in time: try again, or look at its log", endpoint));
  }
  return FromGrpc(status);
}

}  // namespace handshake::control

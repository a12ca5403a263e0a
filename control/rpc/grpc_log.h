// gRPC's own log lines.
#ifndef HANDSHAKE_CONTROL_RPC_GRPC_LOG_H_
#define HANDSHAKE_CONTROL_RPC_GRPC_LOG_H_

namespace handshake::control {

// Hands gRPC's log lines to spdlog's default logger: its errors as warnings, the rest as debug; a
// few a second at most. Host and MakeChannel call it; further calls change nothing.
void RouteGrpcLog();

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_GRPC_LOG_H_

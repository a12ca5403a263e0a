// absl::Status, which our code uses, to and from grpc::Status, which goes over the wire. The codes
// have the same numbers.
#ifndef HANDSHAKE_CONTROL_RPC_STATUS_H_
#define HANDSHAKE_CONTROL_RPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace handshake::control {

grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_STATUS_H_

// One gRPC server: where it listens, what it bounds, how it ends.
#ifndef HANDSHAKE_CONTROL_RPC_HOST_H_
#define HANDSHAKE_CONTROL_RPC_HOST_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/net/address.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace handshake::control {

class Acceptor;

struct HostedService {
  std::string name;        // as in the health service: "handshake.v1.ServerService"
  grpc::Service* service;  // borrowed; must outlive the host
};

// Serves the given services over the callback API, and beside them the standard health and
// reflection services. Owned by a composition root; thread-safe. Handlers run on gRPC's own few
// threads and must not block.
class Host {
 public:
  // Answers calls from its return on; reports SERVING for "" and for each service.
  // INVALID_ARGUMENT: the address is not loopback. ALREADY_EXISTS: it is taken (it never shares a
  // port by SO_REUSEPORT). UNAVAILABLE: it is not an address of this machine, or no descriptor is
  // left. RESOURCE_EXHAUSTED: no thread. Each message says what to do.
  static absl::StatusOr<std::unique_ptr<Host>> Start(const net::Address& address,
                                                     const std::vector<HostedService>& services);
  ~Host();  // as Shutdown(0)

  // The address in force: a port 0 was replaced.
  const net::Address& address() const { return address_; }

  // From now on health answers NOT_SERVING, for good.
  void ReportNotServing();

  // Takes no new call; cancels the calls that are still open after `grace`, so that every reactor
  // ends; returns when all have. Idempotent.
  void Shutdown(std::chrono::nanoseconds grace);

 private:
  Host(net::Address address, std::unique_ptr<grpc::Server> server,
       std::unique_ptr<Acceptor> acceptor);

  const net::Address address_;
  const std::unique_ptr<grpc::Server> server_;
  const std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_HOST_H_

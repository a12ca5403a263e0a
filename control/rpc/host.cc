#include "control/rpc/host.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/net/unique_fd.h"
#include "control/rpc/grpc_log.h"
#include "control/rpc/limits.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace handshake::control {
namespace {

int Milliseconds(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

// gRPC does not tell why it could not bind: ask the kernel first.
absl::Status ProbeBind(const net::Address& address) {
  const net::UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  const bool bound = fd && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                     ::bind(fd.get(), address.data(), address.size()) == 0;
  if (bound) return absl::OkStatus();
  if (errno == EADDRINUSE) {
    return absl::AlreadyExistsError(absl::StrFormat(
        "control address %s is taken: stop the process that holds it, or choose another --control "
        "(port 0 picks a free one)",
        address.ToString()));
  }
  return absl::UnavailableError(absl::StrFormat("cannot listen on control address %s: %s",
                                                address.ToString(), std::strerror(errno)));
}

void AddBounds(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(kConnectionHandshakeTimeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(kConnectionIdleTimeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(kMinPingInterval));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMaxPingStrikes);
  grpc::ResourceQuota quota("control");
  quota.Resize(kRpcMemoryBytes).SetMaxThreads(kMaxRpcThreads);
  builder.SetResourceQuota(quota);
  // Reflection alone uses the synchronous API.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

void PrepareProcessOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    RouteGrpcLog();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Host>> Host::Start(const net::Address& address,
                                                  const std::vector<HostedService>& services) {
  if (!address.IsLoopback()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "control address %s is not loopback: without TLS only 127.0.0.0/8 and [::1] are allowed; "
        "reach it from elsewhere through an SSH tunnel",
        address.ToString()));
  }
  if (absl::Status free = ProbeBind(address); !free.ok()) return free;

  PrepareProcessOnce();
  grpc::ServerBuilder builder;
  AddBounds(builder);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  builder.AddListeningPort(address.ToString(), grpc::InsecureServerCredentials(), &port);
  for (const HostedService& hosted : services) builder.RegisterService(hosted.service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrFormat("cannot listen on control address %s", address.ToString()));
  }
  for (const HostedService& hosted : services) {
    server->GetHealthCheckService()->SetServingStatus(hosted.name, true);
  }
  net::Address bound = address;
  bound.set_port(static_cast<uint16_t>(port));
  return std::unique_ptr<Host>(new Host(std::move(bound), std::move(server)));
}

Host::Host(net::Address address, std::unique_ptr<grpc::Server> server)
    : address_(std::move(address)), server_(std::move(server)) {}

Host::~Host() { Shutdown(std::chrono::nanoseconds(0)); }

void Host::ReportNotServing() { server_->GetHealthCheckService()->Shutdown(); }

void Host::Shutdown(std::chrono::nanoseconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
}

}  // namespace handshake::control

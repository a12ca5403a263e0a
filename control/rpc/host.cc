#include "control/rpc/host.h"

#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "control/rpc/acceptor.h"
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
  auto acceptor = std::make_unique<Acceptor>(kMaxConnections);
  if (absl::Status status = acceptor->Listen(address); !status.ok()) return status;

  PrepareProcessOnce();
  grpc::ServerBuilder builder;
  AddBounds(builder);
  const auto connections = std::shared_ptr(builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials()));
  for (const HostedService& hosted : services) builder.RegisterService(hosted.service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return absl::InternalError(
        absl::StrFormat("gRPC cannot serve the control address %s", address.ToString()));
  }
  for (const HostedService& hosted : services) {
    server->GetHealthCheckService()->SetServingStatus(hosted.name, true);
  }
  const net::Address bound = acceptor->address();
  absl::Status status = acceptor->Start([connections](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    connections->HandleNewConnection(&connection);
  });
  if (!status.ok()) return status;
  return std::unique_ptr<Host>(new Host(bound, std::move(server), std::move(acceptor)));
}

Host::Host(net::Address address, std::unique_ptr<grpc::Server> server,
           std::unique_ptr<Acceptor> acceptor)
    : address_(std::move(address)), server_(std::move(server)), acceptor_(std::move(acceptor)) {}

Host::~Host() { Shutdown(std::chrono::nanoseconds(0)); }

void Host::ReportNotServing() { server_->GetHealthCheckService()->Shutdown(); }

void Host::Shutdown(std::chrono::nanoseconds grace) {
  acceptor_->Stop();  // first: gRPC would not close what it is given from now on
  server_->Shutdown(std::chrono::system_clock::now() + grace);
}

}  // namespace handshake::control

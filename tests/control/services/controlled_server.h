// A data plane and its control port in this process, and clients that reach it over loopback.
#ifndef HANDSHAKE_TESTS_CONTROL_SERVICES_CONTROLLED_SERVER_H_
#define HANDSHAKE_TESTS_CONTROL_SERVICES_CONTROLLED_SERVER_H_

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "control/rpc/channel.h"
#include "control/rpc/host.h"
#include "control/services/load_service.h"
#include "control/services/server_service.h"
#include "handshake/v1/load_service.grpc.pb.h"
#include "handshake/v1/server_service.grpc.pb.h"
#include "server/data_plane.h"

namespace handshake::control {

// Calls and streams of a test end by themselves after this.
inline constexpr std::chrono::seconds kTestDeadline{30};

struct ControlledServer {
  explicit ControlledServer(std::chrono::nanoseconds lease = kLoadLease)
      : load_service({}, lease) {}

  // An own connection each.
  std::shared_ptr<grpc::Channel> NewChannel() const {
    return *MakeChannel(host->address().ToString());
  }
  std::string data_address() const { return data_plane->addresses().front().ToString(); }

  static std::unique_ptr<server::DataPlane> StartDataPlane() {
    server::DataPlaneOptions options;
    options.listeners.push_back(
        {.address = *net::Address::Parse("127.0.0.1:0"), .protocol = wire::HandshakeOptions()});
    auto started = server::DataPlane::Start(options);
    if (!started.ok()) ADD_FAILURE() << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }
  static std::unique_ptr<Host> StartHost(const std::vector<HostedService>& services) {
    auto started = Host::Start(*net::Address::Parse("127.0.0.1:0"), services);
    if (!started.ok()) ADD_FAILURE() << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }

  std::unique_ptr<server::DataPlane> data_plane = StartDataPlane();
  ServerService server_service{*data_plane};
  LoadService load_service;
  std::unique_ptr<Host> host = StartHost({server_service.hosted(), load_service.hosted()});
  std::unique_ptr<v1::ServerService::Stub> server = v1::ServerService::NewStub(NewChannel());
  std::unique_ptr<v1::LoadService::Stub> load = v1::LoadService::NewStub(NewChannel());
};

// One unary call: Call(*stub, &Stub::GetServer, request) -> its status; the answer in `response`.
template <class Stub, class Request, class Response>
grpc::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response* response) {
  grpc::ClientContext context;
  SetTimeout(context, kTestDeadline);
  return (stub.*method)(&context, request, response);
}

// Looks again and again until `condition` holds or the test's deadline has passed.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kTestDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace handshake::control

#endif  // HANDSHAKE_TESTS_CONTROL_SERVICES_CONTROLLED_SERVER_H_

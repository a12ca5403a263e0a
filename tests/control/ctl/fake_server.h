// An in-process gRPC server that answers what a test tells it to.
#ifndef HANDSHAKE_TESTS_CONTROL_CTL_FAKE_SERVER_H_
#define HANDSHAKE_TESTS_CONTROL_CTL_FAKE_SERVER_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/server.h"
#include "handshake/v1/load_service.grpc.pb.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::testing {

// What is answered; set before the first call.
struct Script {
  grpc::Status status;  // of every call but cancellations
  bool mute = false;    // calls are never answered, streams never say anything
  v1::Server server;
  v1::ListModesResponse modes;
  v1::ModeSwitch change;   // of SwitchMode
  int lost_switches = 0;   // the first of them are answered UNAVAILABLE
  v1::ModeSwitch drained;  // of GetModeSwitch
  v1::ListModeSwitchesResponse switches;
  v1::Stats stats;                  // each time with the next sequence
  v1::LoadRun created;              // of CreateLoadRun
  v1::LoadRun full;                 // of GetLoadRun in the FULL view; else `created`
  std::vector<v1::LoadRun> states;  // of WatchLoadRun; the last one should have ended
  v1::LoadRun updated;              // of UpdateLoadRun
  v1::LoadRun cancelled;            // of CancelLoadRun, and from then on of WatchLoadRun
  v1::ListLoadRunsResponse runs;
};

class FakeServer : public v1::ServerService::Service, public v1::LoadService::Service {
 public:
  explicit FakeServer(Script script);
  ~FakeServer() override;

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  // The requests that came, as text: "SwitchMode mode: MODE_EPOLL ...".
  std::vector<std::string> calls() const;

 private:
  using Context = grpc::ServerContext;
  grpc::Status GetServer(Context*, const v1::GetServerRequest*, v1::Server*) override;
  grpc::Status ListModes(Context*, const v1::ListModesRequest*, v1::ListModesResponse*) override;
  grpc::Status SwitchMode(Context*, const v1::SwitchModeRequest*, v1::ModeSwitch*) override;
  grpc::Status GetModeSwitch(Context*, const v1::GetModeSwitchRequest*, v1::ModeSwitch*) override;
  grpc::Status ListModeSwitches(Context*, const v1::ListModeSwitchesRequest*,
                                v1::ListModeSwitchesResponse*) override;
  grpc::Status GetStats(Context*, const v1::GetStatsRequest*, v1::Stats*) override;
  grpc::Status WatchStats(Context*, const v1::WatchStatsRequest*,
                          grpc::ServerWriter<v1::Stats>*) override;
  grpc::Status CreateLoadRun(Context*, const v1::CreateLoadRunRequest*, v1::LoadRun*) override;
  grpc::Status GetLoadRun(Context*, const v1::GetLoadRunRequest*, v1::LoadRun*) override;
  grpc::Status ListLoadRuns(Context*, const v1::ListLoadRunsRequest*,
                            v1::ListLoadRunsResponse*) override;
  grpc::Status WatchLoadRun(Context*, const v1::WatchLoadRunRequest*,
                            grpc::ServerWriter<v1::LoadRun>*) override;
  grpc::Status CancelLoadRun(Context*, const v1::CancelLoadRunRequest*, v1::LoadRun*) override;
  grpc::Status UpdateLoadRun(Context*, const v1::UpdateLoadRunRequest*, v1::LoadRun*) override;

  // Notes the call; then what the script says for all of them.
  grpc::Status Answer(Context* context, const char* method,
                      const google::protobuf::Message& request);
  // Waits a tick; true once the caller has left or the server ends.
  bool Leaving(Context* context);
  void UntilCallerLeaves(Context* context);
  bool cancelled() const;

  const Script script_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;
  std::vector<std::string> calls_;
  int lost_switches_ = 0;
  int64_t snapshots_ = 0;  // each answer of GetStats is a younger one
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace handshake::testing

#endif  // HANDSHAKE_TESTS_CONTROL_CTL_FAKE_SERVER_H_

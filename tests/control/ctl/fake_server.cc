#include "tests/control/ctl/fake_server.h"

#include <algorithm>
#include <chrono>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace handshake::testing {
namespace {

// How often a blocked handler looks whether its caller has left.
constexpr std::chrono::milliseconds kTick{5};

}  // namespace

FakeServer::FakeServer(Script script) : script_(std::move(script)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(static_cast<v1::ServerService::Service*>(this));
  builder.RegisterService(static_cast<v1::LoadService::Service*>(this));
  server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

std::vector<std::string> FakeServer::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

bool FakeServer::Leaving(Context* context) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kTick, [this] { return closing_; }) || context->IsCancelled();
}

void FakeServer::UntilCallerLeaves(Context* context) {
  while (!Leaving(context)) continue;
}

bool FakeServer::cancelled() const {
  const std::vector<std::string> seen = calls();
  return std::any_of(seen.begin(), seen.end(),
                     [](const std::string& call) { return call.starts_with("CancelLoadRun"); });
}

grpc::Status FakeServer::Answer(Context* context, const char* method,
                                const google::protobuf::Message& request) {
  {
    std::lock_guard lock(mutex_);
    calls_.push_back(std::string(method) + " " + request.ShortDebugString());
  }
  if (script_.mute) UntilCallerLeaves(context);
  return script_.status;
}

grpc::Status FakeServer::GetServer(Context* context, const v1::GetServerRequest* request,
                                   v1::Server* reply) {
  *reply = script_.server;
  return Answer(context, "GetServer", *request);
}
grpc::Status FakeServer::ListModes(Context* context, const v1::ListModesRequest* request,
                                   v1::ListModesResponse* reply) {
  *reply = script_.modes;
  return Answer(context, "ListModes", *request);
}
grpc::Status FakeServer::SwitchMode(Context* context, const v1::SwitchModeRequest* request,
                                    v1::ModeSwitch* reply) {
  *reply = script_.change;
  const grpc::Status status = Answer(context, "SwitchMode", *request);
  const std::lock_guard lock(mutex_);
  if (lost_switches_ == script_.lost_switches) return status;
  ++lost_switches_;
  return {grpc::StatusCode::UNAVAILABLE, "lost"};
}
grpc::Status FakeServer::GetModeSwitch(Context* context, const v1::GetModeSwitchRequest* request,
                                       v1::ModeSwitch* reply) {
  *reply = script_.drained;
  return Answer(context, "GetModeSwitch", *request);
}
grpc::Status FakeServer::ListModeSwitches(Context* context,
                                          const v1::ListModeSwitchesRequest* request,
                                          v1::ListModeSwitchesResponse* reply) {
  *reply = script_.switches;
  return Answer(context, "ListModeSwitches", *request);
}
grpc::Status FakeServer::GetStats(Context* context, const v1::GetStatsRequest* request,
                                  v1::Stats* reply) {
  *reply = script_.stats;
  const grpc::Status status = Answer(context, "GetStats", *request);
  const std::lock_guard lock(mutex_);
  reply->set_sequence(++snapshots_);
  return status;
}

grpc::Status FakeServer::WatchStats(Context* context, const v1::WatchStatsRequest* request,
                                    grpc::ServerWriter<v1::Stats>* writer) {
  const grpc::Status status = Answer(context, "WatchStats", *request);
  if (!status.ok()) return status;
  while (writer->Write(script_.stats) && !context->IsCancelled()) {
    std::this_thread::sleep_for(kTick);  // NOLINT(sleep): the stream's interval
  }
  return status;
}

grpc::Status FakeServer::CreateLoadRun(Context* context, const v1::CreateLoadRunRequest* request,
                                       v1::LoadRun* reply) {
  *reply = script_.created;
  return Answer(context, "CreateLoadRun", *request);
}
grpc::Status FakeServer::GetLoadRun(Context* context, const v1::GetLoadRunRequest* request,
                                    v1::LoadRun* reply) {
  *reply = request->view() == v1::LOAD_RUN_VIEW_FULL ? script_.full : script_.created;
  return Answer(context, "GetLoadRun", *request);
}
grpc::Status FakeServer::ListLoadRuns(Context* context, const v1::ListLoadRunsRequest* request,
                                      v1::ListLoadRunsResponse* reply) {
  *reply = script_.runs;
  return Answer(context, "ListLoadRuns", *request);
}

grpc::Status FakeServer::WatchLoadRun(Context* context, const v1::WatchLoadRunRequest* request,
                                      grpc::ServerWriter<v1::LoadRun>* writer) {
  const grpc::Status status = Answer(context, "WatchLoadRun", *request);
  if (!status.ok()) return status;
  if (cancelled()) {
    writer->Write(script_.cancelled);
    return status;
  }
  for (const v1::LoadRun& state : script_.states) writer->Write(state);
  const bool ended =
      !script_.states.empty() && script_.states.back().state() != v1::LoadRun::STATE_RUNNING;
  if (!ended) UntilCallerLeaves(context);
  return status;
}

grpc::Status FakeServer::CancelLoadRun(Context* context, const v1::CancelLoadRunRequest* request,
                                       v1::LoadRun* reply) {
  *reply = script_.cancelled;
  return Answer(context, "CancelLoadRun", *request);
}

grpc::Status FakeServer::UpdateLoadRun(Context* context, const v1::UpdateLoadRunRequest* request,
                                       v1::LoadRun* reply) {
  *reply = script_.updated;
  return Answer(context, "UpdateLoadRun", *request);
}

}  // namespace handshake::testing

// ServerService behind the guard: what an unwrapped handler cannot get around.
#ifndef HANDSHAKE_CONTROL_AUTH_GUARDED_SERVER_SERVICE_H_
#define HANDSHAKE_CONTROL_AUTH_GUARDED_SERVER_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/auth/guard.h"
#include "control/rpc/limits.h"
#include "control/rpc/watch.h"
#include "control/rpc/worker.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::control {

// gRPC's side of ServerService, every method sealed behind the guard. A service derives from it and
// fills in the handlers; it must call StopWorker() before its own members go. Handlers run on
// gRPC's threads and must not block, but for SwitchMode, which runs on a worker, one call at a
// time.
class GuardedServerService : public v1::ServerService::CallbackService {
 protected:
  virtual absl::Status Handle(const Authorized<Rpc::kGetServer>& call,
                              const v1::GetServerRequest& request, v1::Server& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kListModes>& call,
                              const v1::ListModesRequest& request,
                              v1::ListModesResponse& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kSwitchMode>& call,
                              const v1::SwitchModeRequest& request, v1::ModeSwitch& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kGetModeSwitch>& call,
                              const v1::GetModeSwitchRequest& request,
                              v1::ModeSwitch& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kListModeSwitches>& call,
                              const v1::ListModeSwitchesRequest& request,
                              v1::ListModeSwitchesResponse& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kListListeners>& call,
                              const v1::ListListenersRequest& request,
                              v1::ListListenersResponse& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kGetStats>& call,
                              const v1::GetStatsRequest& request, v1::Stats& response) = 0;
  virtual absl::StatusOr<WatchSource<v1::Stats>> Handle(const Authorized<Rpc::kWatchStats>& call,
                                                        const v1::WatchStatsRequest& request) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kRecordTimelines>& call,
                              const v1::RecordTimelinesRequest& request,
                              v1::RecordTimelinesResponse& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kCollectTimelines>& call,
                              const v1::CollectTimelinesRequest& request,
                              v1::CollectTimelinesResponse& response) = 0;

  // Answers what waits for the worker; further calls of it are UNAVAILABLE. Idempotent.
  void StopWorker() { worker_.Stop(); }

 private:
  grpc::ServerUnaryReactor* GetServer(grpc::CallbackServerContext* context,
                                      const v1::GetServerRequest* request,
                                      v1::Server* response) final {
    return Guard::Unary<Rpc::kGetServer>(context, request, response,
                                         [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* ListModes(grpc::CallbackServerContext* context,
                                      const v1::ListModesRequest* request,
                                      v1::ListModesResponse* response) final {
    return Guard::Unary<Rpc::kListModes>(context, request, response,
                                         [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* SwitchMode(grpc::CallbackServerContext* context,
                                       const v1::SwitchModeRequest* request,
                                       v1::ModeSwitch* response) final {
    return Guard::UnaryOn<Rpc::kSwitchMode>(worker_, context, request, response,
                                            [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* GetModeSwitch(grpc::CallbackServerContext* context,
                                          const v1::GetModeSwitchRequest* request,
                                          v1::ModeSwitch* response) final {
    return Guard::Unary<Rpc::kGetModeSwitch>(context, request, response,
                                             [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* ListModeSwitches(grpc::CallbackServerContext* context,
                                             const v1::ListModeSwitchesRequest* request,
                                             v1::ListModeSwitchesResponse* response) final {
    return Guard::Unary<Rpc::kListModeSwitches>(context, request, response,
                                                [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* ListListeners(grpc::CallbackServerContext* context,
                                          const v1::ListListenersRequest* request,
                                          v1::ListListenersResponse* response) final {
    return Guard::Unary<Rpc::kListListeners>(context, request, response,
                                             [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context,
                                     const v1::GetStatsRequest* request,
                                     v1::Stats* response) final {
    return Guard::Unary<Rpc::kGetStats>(context, request, response,
                                        [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerWriteReactor<v1::Stats>* WatchStats(grpc::CallbackServerContext* context,
                                                  const v1::WatchStatsRequest* request) final {
    return Guard::Stream<Rpc::kWatchStats, v1::Stats>(
        context, request, [this](const auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* RecordTimelines(grpc::CallbackServerContext* context,
                                            const v1::RecordTimelinesRequest* request,
                                            v1::RecordTimelinesResponse* response) final {
    return Guard::Unary<Rpc::kRecordTimelines>(context, request, response,
                                               [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* CollectTimelines(grpc::CallbackServerContext* context,
                                             const v1::CollectTimelinesRequest* request,
                                             v1::CollectTimelinesResponse* response) final {
    return Guard::Unary<Rpc::kCollectTimelines>(context, request, response,
                                                [this](auto&... args) { return Handle(args...); });
  }

  Worker worker_{kMaxWaitingCalls};
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_AUTH_GUARDED_SERVER_SERVICE_H_

// LoadService behind the guard: what an unwrapped handler cannot get around.
#ifndef HANDSHAKE_CONTROL_AUTH_GUARDED_LOAD_SERVICE_H_
#define HANDSHAKE_CONTROL_AUTH_GUARDED_LOAD_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/auth/guard.h"
#include "control/rpc/limits.h"
#include "control/rpc/watch.h"
#include "control/rpc/worker.h"
#include "handshake/v1/load_service.grpc.pb.h"

namespace handshake::control {

// gRPC's side of LoadService, every method sealed behind the guard. A service derives from it and
// fills in the handlers; it must call StopWorkers() before its own members go. Handlers run on
// gRPC's threads and must not block, but for CreateLoadRun, which runs on a worker of its own,
// since it may wait for a name to be looked up, and UpdateLoadRun and CancelLoadRun, which share
// another; a worker runs one call at a time.
class GuardedLoadService : public v1::LoadService::CallbackService {
 protected:
  virtual absl::Status Handle(const Authorized<Rpc::kCreateLoadRun>& call,
                              const v1::CreateLoadRunRequest& request, v1::LoadRun& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kGetLoadRun>& call,
                              const v1::GetLoadRunRequest& request, v1::LoadRun& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kListLoadRuns>& call,
                              const v1::ListLoadRunsRequest& request,
                              v1::ListLoadRunsResponse& response) = 0;
  virtual absl::StatusOr<WatchSource<v1::LoadRun>> Handle(
      const Authorized<Rpc::kWatchLoadRun>& call, const v1::WatchLoadRunRequest& request) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kCancelLoadRun>& call,
                              const v1::CancelLoadRunRequest& request, v1::LoadRun& response) = 0;
  virtual absl::Status Handle(const Authorized<Rpc::kUpdateLoadRun>& call,
                              const v1::UpdateLoadRunRequest& request, v1::LoadRun& response) = 0;

  // Answers what waits for the workers; further calls of them are UNAVAILABLE. Idempotent.
  void StopWorkers() {
    creator_.Stop();
    changer_.Stop();
  }

 private:
  grpc::ServerUnaryReactor* CreateLoadRun(grpc::CallbackServerContext* context,
                                          const v1::CreateLoadRunRequest* request,
                                          v1::LoadRun* response) final {
    return Guard::UnaryOn<Rpc::kCreateLoadRun>(creator_, context, request, response,
                                               [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* GetLoadRun(grpc::CallbackServerContext* context,
                                       const v1::GetLoadRunRequest* request,
                                       v1::LoadRun* response) final {
    return Guard::Unary<Rpc::kGetLoadRun>(context, request, response,
                                          [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* ListLoadRuns(grpc::CallbackServerContext* context,
                                         const v1::ListLoadRunsRequest* request,
                                         v1::ListLoadRunsResponse* response) final {
    return Guard::Unary<Rpc::kListLoadRuns>(context, request, response,
                                            [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerWriteReactor<v1::LoadRun>* WatchLoadRun(
      grpc::CallbackServerContext* context, const v1::WatchLoadRunRequest* request) final {
    return Guard::Stream<Rpc::kWatchLoadRun, v1::LoadRun>(
        context, request, [this](const auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* CancelLoadRun(grpc::CallbackServerContext* context,
                                          const v1::CancelLoadRunRequest* request,
                                          v1::LoadRun* response) final {
    return Guard::UnaryOn<Rpc::kCancelLoadRun>(changer_, context, request, response,
                                               [this](auto&... args) { return Handle(args...); });
  }

  grpc::ServerUnaryReactor* UpdateLoadRun(grpc::CallbackServerContext* context,
                                          const v1::UpdateLoadRunRequest* request,
                                          v1::LoadRun* response) final {
    return Guard::UnaryOn<Rpc::kUpdateLoadRun>(changer_, context, request, response,
                                               [this](auto&... args) { return Handle(args...); });
  }

  Worker creator_{kMaxWaitingCalls};
  Worker changer_{kMaxWaitingCalls};
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_AUTH_GUARDED_LOAD_SERVICE_H_

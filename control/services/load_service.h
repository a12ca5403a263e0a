// LoadService: the contract's side of the load runs of one process.
#ifndef HANDSHAKE_CONTROL_SERVICES_LOAD_SERVICE_H_
#define HANDSHAKE_CONTROL_SERVICES_LOAD_SERVICE_H_

#include <atomic>
#include <chrono>

#include "control/auth/guarded_load_service.h"
#include "control/rpc/host.h"
#include "control/services/load_runs.h"
#include "control/services/watch_slots.h"

namespace handshake::control {

// Owned by a composition root; must outlive its host. Owns the runs.
class LoadService final : public GuardedLoadService {
 public:
  // See LoadRuns.
  explicit LoadService(client::TargetList targets = {},
                       std::chrono::nanoseconds lease = kLoadLease);
  ~LoadService() override;  // as Stop()

  HostedService hosted();

  // Cancels the runs; their streams end with the final state, further runs and streams are
  // UNAVAILABLE. Idempotent. Returns when no run is left.
  void Stop();

 private:
  absl::Status Handle(const Authorized<Rpc::kCreateLoadRun>& call,
                      const v1::CreateLoadRunRequest& request, v1::LoadRun& response) override;
  absl::Status Handle(const Authorized<Rpc::kGetLoadRun>& call,
                      const v1::GetLoadRunRequest& request, v1::LoadRun& response) override;
  absl::Status Handle(const Authorized<Rpc::kListLoadRuns>& call,
                      const v1::ListLoadRunsRequest& request,
                      v1::ListLoadRunsResponse& response) override;
  absl::StatusOr<WatchSource<v1::LoadRun>> Handle(const Authorized<Rpc::kWatchLoadRun>& call,
                                                  const v1::WatchLoadRunRequest& request) override;
  absl::Status Handle(const Authorized<Rpc::kCancelLoadRun>& call,
                      const v1::CancelLoadRunRequest& request, v1::LoadRun& response) override;
  absl::Status Handle(const Authorized<Rpc::kUpdateLoadRun>& call,
                      const v1::UpdateLoadRunRequest& request, v1::LoadRun& response) override;

  LoadRuns runs_;
  WatchSlots slots_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_LOAD_SERVICE_H_

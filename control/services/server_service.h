// ServerService: the contract's side of one data plane.
#ifndef HANDSHAKE_CONTROL_SERVICES_SERVER_SERVICE_H_
#define HANDSHAKE_CONTROL_SERVICES_SERVER_SERVICE_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include "control/auth/guarded_server_service.h"
#include "control/rpc/host.h"
#include "control/services/watch_slots.h"
#include "server/data_plane.h"

namespace handshake::control {

// Owned by a composition root; borrows the data plane, which must outlive it; must outlive its
// host.
class ServerService final : public GuardedServerService {
 public:
  explicit ServerService(server::DataPlane& data_plane);
  ~ServerService() override;  // as Stop()

  HostedService hosted();

  // Ends the streams within kWatchPoll (UNAVAILABLE) and answers UNAVAILABLE to further calls that
  // watch or change; those that read go on. Idempotent.
  void Stop();

 private:
  absl::Status Handle(const Authorized<Rpc::kGetServer>& call, const v1::GetServerRequest& request,
                      v1::Server& response) override;
  absl::Status Handle(const Authorized<Rpc::kListModes>& call, const v1::ListModesRequest& request,
                      v1::ListModesResponse& response) override;
  absl::Status Handle(const Authorized<Rpc::kSwitchMode>& call,
                      const v1::SwitchModeRequest& request, v1::ModeSwitch& response) override;
  absl::Status Handle(const Authorized<Rpc::kGetModeSwitch>& call,
                      const v1::GetModeSwitchRequest& request, v1::ModeSwitch& response) override;
  absl::Status Handle(const Authorized<Rpc::kListModeSwitches>& call,
                      const v1::ListModeSwitchesRequest& request,
                      v1::ListModeSwitchesResponse& response) override;
  absl::Status Handle(const Authorized<Rpc::kListListeners>& call,
                      const v1::ListListenersRequest& request,
                      v1::ListListenersResponse& response) override;
  absl::Status Handle(const Authorized<Rpc::kGetStats>& call, const v1::GetStatsRequest& request,
                      v1::Stats& response) override;
  absl::StatusOr<WatchSource<v1::Stats>> Handle(const Authorized<Rpc::kWatchStats>& call,
                                                const v1::WatchStatsRequest& request) override;
  absl::Status Handle(const Authorized<Rpc::kRecordTimelines>& call,
                      const v1::RecordTimelinesRequest& request,
                      v1::RecordTimelinesResponse& response) override;
  absl::Status Handle(const Authorized<Rpc::kCollectTimelines>& call,
                      const v1::CollectTimelinesRequest& request,
                      v1::CollectTimelinesResponse& response) override;

  // The newest snapshot as a message: converted once, shared by all who ask in one tick.
  std::shared_ptr<const v1::Stats> NewestStats();

  server::DataPlane& data_plane_;
  const std::chrono::system_clock::time_point start_time_;
  WatchSlots slots_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  // Guarded by mutex_: the newest snapshot and what was made of it.
  std::shared_ptr<const server::Snapshot> snapshot_;
  std::shared_ptr<const v1::Stats> newest_;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_SERVER_SERVICE_H_

#include "control/services/load_service.h"

#include <utility>

#include "absl/status/status.h"
#include "control/services/requests.h"

namespace handshake::control {
namespace {

absl::Status Answer(const absl::StatusOr<LoadRuns::State>& state, v1::LoadRun& response) {
  if (!state.ok()) return state.status();
  response = **state;
  return absl::OkStatus();
}

template <class Request>
absl::Status CheckId(const Request& request) {
  if (!request.id().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("id is required, as in run-1");
}

template <class Request>
absl::Status CheckView(const Request& request) {
  if (v1::LoadRunView_IsValid(request.view())) return absl::OkStatus();
  return absl::InvalidArgumentError("view must be BASIC or FULL");
}

}  // namespace

LoadService::LoadService(client::TargetList targets, std::chrono::nanoseconds lease)
    : runs_(std::move(targets), lease), slots_(kMaxWatchStreams) {}

LoadService::~LoadService() { Stop(); }

HostedService LoadService::hosted() { return {v1::LoadService::service_full_name(), this}; }

void LoadService::Stop() {
  stopping_ = true;
  runs_.Stop();
  StopWorkers();
}

absl::Status LoadService::Handle(const Authorized<Rpc::kCreateLoadRun>& call,
                                 const v1::CreateLoadRunRequest& request, v1::LoadRun& response) {
  return Answer(runs_.Create(call.caller().principal, request), response);
}

absl::Status LoadService::Handle(const Authorized<Rpc::kGetLoadRun>&,
                                 const v1::GetLoadRunRequest& request, v1::LoadRun& response) {
  if (absl::Status valid = CheckId(request); !valid.ok()) return valid;
  if (absl::Status valid = CheckView(request); !valid.ok()) return valid;
  return Answer(runs_.Get(request.id(), request.view()), response);
}

absl::Status LoadService::Handle(const Authorized<Rpc::kListLoadRuns>&,
                                 const v1::ListLoadRunsRequest& request,
                                 v1::ListLoadRunsResponse& response) {
  const absl::StatusOr<size_t> limit = PageSize(request.page_size());
  if (!limit.ok()) return limit.status();
  for (const LoadRuns::State& state : runs_.List(*limit)) *response.add_load_runs() = *state;
  return absl::OkStatus();
}

absl::StatusOr<WatchSource<v1::LoadRun>> LoadService::Handle(
    const Authorized<Rpc::kWatchLoadRun>& call, const v1::WatchLoadRunRequest& request) {
  if (stopping_) return absl::UnavailableError("the process is stopping");
  if (absl::Status valid = CheckId(request); !valid.ok()) return valid;
  if (absl::Status valid = CheckView(request); !valid.ok()) return valid;
  const absl::StatusOr<std::chrono::nanoseconds> interval = WatchInterval(request);
  if (!interval.ok()) return interval.status();
  absl::StatusOr<WatchSlots::Slot> slot = slots_.Take();
  if (!slot.ok()) return slot.status();
  absl::StatusOr<LoadRuns::View> view =
      runs_.Watch(request.id(), call.caller().principal, request.view());
  if (!view.ok()) return view.status();
  const auto look = [slot = *std::move(slot), view = *std::move(view)]() -> Watched<v1::LoadRun> {
    LoadRuns::State state = view();
    if (state->state() == v1::LoadRun::STATE_RUNNING) return {.newest = std::move(state)};
    return {.newest = std::move(state), .end = absl::OkStatus()};
  };
  return WatchSource<v1::LoadRun>{.look = look, .interval = *interval};
}

absl::Status LoadService::Handle(const Authorized<Rpc::kCancelLoadRun>&,
                                 const v1::CancelLoadRunRequest& request, v1::LoadRun& response) {
  if (absl::Status valid = CheckId(request); !valid.ok()) return valid;
  return Answer(runs_.Cancel(request.id()), response);
}

absl::Status LoadService::Handle(const Authorized<Rpc::kUpdateLoadRun>&,
                                 const v1::UpdateLoadRunRequest& request, v1::LoadRun& response) {
  if (absl::Status valid = CheckId(request); !valid.ok()) return valid;
  return Answer(runs_.Update(request), response);
}

}  // namespace handshake::control

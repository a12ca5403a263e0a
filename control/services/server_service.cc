#include "control/services/server_service.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/stats/clock_identity.h"
#include "common/text/version.h"
#include "control/services/convert.h"
#include "control/services/requests.h"
#include "spdlog/spdlog.h"

namespace handshake::control {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

absl::StatusOr<server::SwitchRequest> ReadRequest(const v1::SwitchModeRequest& request) {
  const std::optional<server::Mode> target = FromProto(request.mode());
  if (!target) {
    return absl::InvalidArgumentError("mode must be one that ListModes names");
  }
  if (request.expected_generation() < 0) {
    return absl::InvalidArgumentError("expected_generation must not be negative; 0 means any");
  }
  if (absl::Status valid = CheckRequestId(request.request_id()); !valid.ok()) return valid;
  server::SwitchRequest to;
  to.target = *target;
  to.request_id = request.request_id();
  to.dry_run = request.dry_run();
  to.workers = request.worker_count();
  if (request.expected_generation() > 0) to.expected_generation = request.expected_generation();
  if (request.has_drain_timeout()) {
    auto timeout = FromProto(request.drain_timeout(), "drain_timeout", std::chrono::nanoseconds(0),
                             server::kMaxDrainTimeout);
    if (!timeout.ok()) return timeout.status();
    to.drain_timeout = *timeout;
  }
  return to;
}

}  // namespace

ServerService::ServerService(server::DataPlane& data_plane)
    : data_plane_(data_plane),
      start_time_(std::chrono::system_clock::now()),
      slots_(kMaxWatchStreams) {}

ServerService::~ServerService() { Stop(); }

HostedService ServerService::hosted() { return {v1::ServerService::service_full_name(), this}; }

void ServerService::Stop() {
  stopping_ = true;
  StopWorker();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kGetServer>&, const v1::GetServerRequest&,
                                   v1::Server& response) {
  response.set_version(std::string(text::Version()));
  const std::shared_ptr<const server::Snapshot> snapshot = data_plane_.Stats();
  for (const server::ListenerStats& listener : snapshot->listeners) {
    if (listener.framing.empty()) continue;  // no handshakes there
    if (response.listen_addresses().empty()) response.set_framing(FramingByName(listener.framing));
    response.add_listen_addresses(listener.address);
  }
  const server::ActiveMode active = data_plane_.active();
  response.set_mode(ToProto(active.mode));
  response.set_generation(active.generation);
  *response.mutable_start_time() = ToProto(start_time_);
  *response.mutable_uptime() = ToProto(snapshot->uptime);
  response.set_process_id(::getpid());
  response.set_cpu_count(static_cast<int64_t>(data_plane_.options().engine.cpus.size()));
  response.set_worker_count(active.workers);
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kListModes>&, const v1::ListModesRequest&,
                                   v1::ListModesResponse& response) {
  const server::Mode active = data_plane_.mode();
  for (const server::ModeInfo& info : data_plane_.ListModes()) {
    v1::ModeInfo& to = *response.add_modes();
    to.set_mode(ToProto(info.mode));
    to.set_name(std::string(server::ModeName(info.mode)));
    to.set_description(info.description);
    to.set_available(info.available);
    to.set_unavailable_reason(info.unavailable_reason);
    to.set_max_concurrent(info.max_concurrent);
    to.set_active(info.mode == active);
  }
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kSwitchMode>& call,
                                   const v1::SwitchModeRequest& request, v1::ModeSwitch& response) {
  if (stopping_) return Stopping();
  absl::StatusOr<server::SwitchRequest> wanted = ReadRequest(request);
  if (!wanted.ok()) return wanted.status();
  wanted->requested_by = call.caller().address;
  const absl::StatusOr<server::SwitchRecord> record = data_plane_.Switch(*wanted);
  if (!record.ok()) {
    spdlog::warn("switch to {} asked by {} refused: {}", server::ModeName(wanted->target),
                 wanted->requested_by, record.status().ToString());
    return record.status();
  }
  response = ToProto(*record);
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kGetModeSwitch>&,
                                   const v1::GetModeSwitchRequest& request,
                                   v1::ModeSwitch& response) {
  if (request.id() < 1) return absl::InvalidArgumentError("id must be at least 1");
  const absl::StatusOr<server::SwitchRecord> record = data_plane_.GetSwitch(request.id());
  if (!record.ok()) return record.status();
  response = ToProto(*record);
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kListModeSwitches>&,
                                   const v1::ListModeSwitchesRequest& request,
                                   v1::ListModeSwitchesResponse& response) {
  const absl::StatusOr<size_t> limit = PageSize(request.page_size());
  if (!limit.ok()) return limit.status();
  for (const server::SwitchRecord& record : data_plane_.ListSwitches()) {
    if (static_cast<size_t>(response.mode_switches_size()) == *limit) break;
    *response.add_mode_switches() = ToProto(record);
  }
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kListListeners>&,
                                   const v1::ListListenersRequest&,
                                   v1::ListListenersResponse& response) {
  const std::shared_ptr<const server::Snapshot> snapshot = data_plane_.Stats();
  const std::vector<server::ListenerOptions>& options = data_plane_.options().listeners;
  for (size_t i = 0; i < options.size(); ++i) {
    *response.add_listeners() = ToProto(snapshot->listeners[i], options[i].protocol);
  }
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kGetStats>&, const v1::GetStatsRequest&,
                                   v1::Stats& response) {
  response = *NewestStats();
  return absl::OkStatus();
}

absl::StatusOr<WatchSource<v1::Stats>> ServerService::Handle(const Authorized<Rpc::kWatchStats>&,
                                                             const v1::WatchStatsRequest& request) {
  if (stopping_) return Stopping();
  const absl::StatusOr<std::chrono::nanoseconds> interval = WatchInterval(request);
  if (!interval.ok()) return interval.status();
  absl::StatusOr<WatchSlots::Slot> slot = slots_.Take();
  if (!slot.ok()) return slot.status();
  const auto look = [this, slot = *std::move(slot)]() -> Watched<v1::Stats> {
    if (stopping_) return {.end = Stopping()};
    return {.newest = NewestStats()};
  };
  return WatchSource<v1::Stats>{.look = look, .interval = *interval};
}

absl::Status ServerService::Handle(const Authorized<Rpc::kRecordTimelines>&,
                                   const v1::RecordTimelinesRequest& request,
                                   v1::RecordTimelinesResponse& response) {
  if (stopping_) return Stopping();
  const absl::StatusOr<std::chrono::nanoseconds> length = FromProto(
      request.duration(), "duration", std::chrono::nanoseconds(1), server::kLongestRecording);
  if (!length.ok()) return length.status();
  response.set_clock_id(stats::MonotonicClockIdentity());
  if (request.recording_id() != 0) {
    response.set_recording_id(request.recording_id());
    return data_plane_.ExtendTimelines(request.recording_id(), *length);
  }
  if (request.sequence_stride() < 1) {
    return absl::InvalidArgumentError("sequence_stride must be at least 1");
  }
  if (request.sample_count() < 1 || request.sample_count() > server::kMostTimelines) {
    return absl::InvalidArgumentError(
        absl::StrFormat("sample_count must be from 1 to %d", server::kMostTimelines));
  }
  const absl::StatusOr<int64_t> recording = data_plane_.RecordTimelines(
      {.stride = request.sequence_stride(), .most = request.sample_count(), .length = *length});
  if (!recording.ok()) return recording.status();
  response.set_recording_id(*recording);
  return absl::OkStatus();
}

absl::Status ServerService::Handle(const Authorized<Rpc::kCollectTimelines>&,
                                   const v1::CollectTimelinesRequest& request,
                                   v1::CollectTimelinesResponse& response) {
  const auto collected = data_plane_.CollectTimelines(request.recording_id());
  if (!collected.ok()) return collected.status();
  for (const server::Timeline& timeline : collected->ended) {
    *response.add_timelines() = ToProto(timeline);
  }
  response.set_open_count(collected->open);
  return absl::OkStatus();
}

std::shared_ptr<const v1::Stats> ServerService::NewestStats() {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const server::Snapshot> snapshot = data_plane_.Stats();
  if (snapshot != snapshot_) {
    newest_ = std::make_shared<const v1::Stats>(ToProto(*snapshot));
    snapshot_ = std::move(snapshot);
  }
  return newest_;
}

}  // namespace handshake::control

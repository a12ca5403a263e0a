#include "control/report/timeline_recording.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "control/rpc/channel.h"
#include "google/protobuf/util/time_util.h"
#include "grpcpp/client_context.h"

namespace handshake::report {
namespace {

// As many as a server takes: what the warm-up and others use of them is not ours.
constexpr int64_t kMostSamples = 10'000;
constexpr std::chrono::seconds kExtensionTimeout{1};

google::protobuf::Duration Lease() {
  return google::protobuf::util::TimeUtil::SecondsToDuration(TimelineRecording::kLease.count());
}

}  // namespace

TimelineRecording::TimelineRecording(const std::string& endpoint, std::chrono::nanoseconds timeout,
                                     int64_t stride)
    : endpoint_(endpoint), timeout_(timeout), stride_(stride) {}

void TimelineRecording::Begin() { status_ = TryBegin(); }

void TimelineRecording::Extend() {
  const auto now = std::chrono::steady_clock::now();
  if (!status_.ok() || now < next_extension_) return;
  next_extension_ = now + kLease / 3;
  v1::RecordTimelinesRequest request;
  request.set_recording_id(recording_);
  *request.mutable_duration() = Lease();
  v1::RecordTimelinesResponse response;
  grpc::ClientContext context;
  control::SetTimeout(context, std::min<std::chrono::nanoseconds>(timeout_, kExtensionTimeout));
  (void)stub_->RecordTimelines(&context, request, &response);
}

absl::Status TimelineRecording::TryBegin() {
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = control::MakeChannel(endpoint_);
  if (!channel.ok()) return channel.status();
  stub_ = v1::ServerService::NewStub(*channel);
  v1::RecordTimelinesRequest request;
  request.set_sequence_stride(stride_);
  request.set_sample_count(kMostSamples);
  *request.mutable_duration() = Lease();
  v1::RecordTimelinesResponse response;
  grpc::ClientContext context;
  control::SetTimeout(context, timeout_);
  const grpc::Status status = stub_->RecordTimelines(&context, request, &response);
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return absl::UnimplementedError(endpoint_ + " is no server that records timelines");
  }
  if (!status.ok()) return control::Explain(status, endpoint_);
  recording_ = response.recording_id();
  next_extension_ = std::chrono::steady_clock::now() + kLease / 3;
  clock_id_ = response.clock_id();
  return absl::OkStatus();
}

absl::Status TimelineRecording::Collect(v1::CollectTimelinesResponse* collected) {
  v1::CollectTimelinesRequest request;
  request.set_recording_id(recording_);
  grpc::ClientContext context;
  control::SetTimeout(context, timeout_);
  const grpc::Status status = stub_->CollectTimelines(&context, request, collected);
  return status.ok() ? absl::OkStatus() : control::Explain(status, endpoint_);
}

v1::LoadTimelines TimelineRecording::End(const v1::ClientTimelines& client) {
  v1::CollectTimelinesResponse collected;
  if (status_.ok()) status_ = Collect(&collected);
  if (status_.ok() && client.timelines().empty()) {
    status_ = absl::NotFoundError("the run has kept no handshake that was ok");
  }
  if (status_.ok() && (clock_id_.empty() || clock_id_ != client.clock_id())) {
    status_ = absl::FailedPreconditionError(
        "the server's clock is not the load's (another machine, boot or time namespace), so their "
        "times cannot be joined: run both on one machine");
  }
  v1::LoadTimelines timelines;
  if (status_.ok()) {
    timelines = JoinTimelines(client, collected);
  } else {
    timelines.set_missing_reason(std::string(status_.message()));
  }
  timelines.set_server_endpoint(endpoint_);
  timelines.set_sequence_stride(stride_);
  return timelines;
}

}  // namespace handshake::report

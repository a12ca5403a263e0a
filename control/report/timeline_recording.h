// Has a server record timelines while a load run goes on, and joins them with the run's own.
#ifndef HANDSHAKE_CONTROL_REPORT_TIMELINE_RECORDING_H_
#define HANDSHAKE_CONTROL_REPORT_TIMELINE_RECORDING_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/report/timelines.h"
#include "grpcpp/channel.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::report {

// Begin() before the run, End() behind it. Used by one thread; no interrupt cancels what it asks.
class TimelineRecording {
 public:
  // Of the handshakes whose X is a multiple of `stride`.
  TimelineRecording(const std::string& endpoint, std::chrono::nanoseconds timeout, int64_t stride);

  // For at most `length`. What goes wrong is in what End() returns.
  void Begin(std::chrono::nanoseconds length);
  v1::LoadTimelines End(const std::vector<ClientStamps>& client, int64_t run_start_ns);

 private:
  absl::Status TryBegin(std::chrono::nanoseconds length);
  absl::Status Collect(v1::CollectTimelinesResponse* collected);

  const std::string endpoint_;
  const std::chrono::nanoseconds timeout_;
  const int64_t stride_;
  std::unique_ptr<v1::ServerService::Stub> stub_;
  int64_t recording_ = 0;
  absl::Status status_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_TIMELINE_RECORDING_H_

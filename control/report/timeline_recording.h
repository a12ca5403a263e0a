// Has a server record timelines while a load run goes on, and joins them with the run's own.
#ifndef HANDSHAKE_CONTROL_REPORT_TIMELINE_RECORDING_H_
#define HANDSHAKE_CONTROL_REPORT_TIMELINE_RECORDING_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "control/report/timelines.h"
#include "grpcpp/channel.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::report {

// Begin() before the run, Extend() again and again while it goes on, End() behind it. Used by one
// thread; no interrupt cancels what it asks. A server whose client is gone records no longer than
// kLease.
class TimelineRecording {
 public:
  static constexpr std::chrono::seconds kLease{30};

  // Of the handshakes whose X is a multiple of `stride`.
  TimelineRecording(const std::string& endpoint, std::chrono::nanoseconds timeout, int64_t stride);

  // What goes wrong is in what End() returns.
  void Begin();
  // Asks the server only if a third of the lease has passed, and waits at most 1 s. What goes wrong
  // is asked again, and in the end the recording is shorter.
  void Extend();
  v1::LoadTimelines End(const v1::ClientTimelines& client);

 private:
  absl::Status TryBegin();
  absl::Status Collect(v1::CollectTimelinesResponse* collected);

  const std::string endpoint_;
  const std::chrono::nanoseconds timeout_;
  const int64_t stride_;
  std::unique_ptr<v1::ServerService::Stub> stub_;
  int64_t recording_ = 0;
  std::string clock_id_;  // of the server
  std::chrono::steady_clock::time_point next_extension_;
  absl::Status status_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_TIMELINE_RECORDING_H_

// Values of the data plane and of load to and from the contract's messages.
#ifndef HANDSHAKE_CONTROL_SERVICES_CONVERT_H_
#define HANDSHAKE_CONTROL_SERVICES_CONVERT_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/hold_run.h"
#include "client/load_run.h"
#include "client/load_series.h"
#include "common/stats/histogram.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/timestamp.pb.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "handshake/v1/timelines.pb.h"
#include "handshake/v1/types.pb.h"
#include "server/data_plane.h"

namespace handshake::control {

v1::Mode ToProto(server::Mode mode);
// Nothing for UNSPECIFIED and for numbers that are not in the contract.
std::optional<server::Mode> FromProto(v1::Mode mode);
v1::Framing ToProto(wire::Framing framing);
std::optional<wire::Framing> FromProto(v1::Framing framing);
v1::Verdict ToProto(wire::Verdict verdict);

google::protobuf::Duration ToProto(std::chrono::nanoseconds duration);
google::protobuf::Timestamp ToProto(std::chrono::system_clock::time_point time);
// INVALID_ARGUMENT, naming `field`: not a valid Duration, or outside [least, most].
absl::StatusOr<std::chrono::nanoseconds> FromProto(const google::protobuf::Duration& duration,
                                                   std::string_view field,
                                                   std::chrono::nanoseconds least,
                                                   std::chrono::nanoseconds most);

// Of a histogram of microseconds.
v1::Latency ToProto(const stats::Histogram& histogram);
// What ended otherwise than OK, by verdict.
void AddFailures(const std::array<int64_t, wire::kVerdictCount>& ended,
                 google::protobuf::RepeatedPtrField<v1::VerdictCount>& to);

// "auto", "line", "bare"; unspecified of anything else.
v1::Framing FramingByName(std::string_view name);

v1::Listener ToProto(const server::ListenerStats& stats, const server::ProtocolOptions& protocol);
v1::ModeSwitch ToProto(const server::SwitchRecord& record);
v1::LoadRun::Bottleneck ToProto(client::Bottleneck bottleneck);
v1::Stats ToProto(const server::Snapshot& snapshot);
v1::ServerTimeline ToProto(const server::Timeline& timeline);

// The state and its reason of a run from its report; cancelled: why, if it was.
void FillState(const client::LoadReport& report, std::string_view cancelled, v1::LoadRun& run);
// The counts of `report`, into a run whose description is already there.
void FillCounts(const client::LoadReport& report, v1::LoadRun& run);
void FillCounts(const client::HoldReport& report, v1::HoldRun& run);
// What only the FULL view has, into a run whose description is already there.
void FillDetail(const client::LoadReport& report, const client::LoadSeries& series,
                v1::LoadRun& run);
// The samples of a run that is done: the FULL view has them too, if it keeps any.
v1::ClientTimelines SamplesOf(const client::LoadRun& run);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_CONVERT_H_

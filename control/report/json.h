// Messages of the contract as JSON, in protobuf's own mapping: lowerCamelCase names, int64 as
// strings (a JSON number would lose digits above 2^53), durations as "1.5s", times as RFC 3339,
// enums by name. Fields at their default are written too, so that a script may rely on them;
// only messages that are not set are left out.
#ifndef HANDSHAKE_CONTROL_REPORT_JSON_H_
#define HANDSHAKE_CONTROL_REPORT_JSON_H_

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace handshake::report {

// The schema_version of each report that is stored.
inline constexpr std::string_view kLoadRunSchema = "handshake.v1/1";
inline constexpr std::string_view kHoldRunSchema = "handshake.v1/1";
inline constexpr std::string_view kCapacityReportSchema = "handshake.v1/1";

// One document, a line for each field and for each entry of a list: of a run, a point of its series
// is a line. Ends with '\n', as below.
std::string Json(const google::protobuf::Message& message);
// One line, for streams: one document a line.
std::string JsonLine(const google::protobuf::Message& message);
// Without fields at their default: for what people write too, such as a run's spec.
std::string JsonOfSet(const google::protobuf::Message& message);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_JSON_H_

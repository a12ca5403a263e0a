#include "control/report/json.h"

#include "google/protobuf/util/json_util.h"

namespace handshake::report {
namespace {

std::string Convert(const google::protobuf::Message& message, bool lines) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.add_whitespace = lines;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Only a time or duration outside protobuf's range has no JSON form.
  if (!status.ok()) return "{\"error\": \"the answer holds a time that JSON cannot state\"}\n";
  if (json.empty() || json.back() != '\n') json += '\n';
  return json;
}

}  // namespace

std::string Json(const google::protobuf::Message& message) { return Convert(message, true); }
std::string JsonLine(const google::protobuf::Message& message) { return Convert(message, false); }

}  // namespace handshake::report

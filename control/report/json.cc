#include "control/report/json.h"

#include "google/protobuf/util/json_util.h"

namespace handshake::report {
namespace {

constexpr size_t kBrokenDepth = 2;

// JSON without blanks, broken into lines down to kBrokenDepth.
std::string InLines(std::string_view json) {
  std::string out;
  size_t depth = 0;
  bool in_string = false;
  const auto break_line = [&] { out += "\n" + std::string(2 * depth, ' '); };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    const bool opens = !in_string && (c == '{' || c == '[');
    const bool closes = !in_string && (c == '}' || c == ']');
    const bool empty = i > 0 && (json[i - 1] == '{' || json[i - 1] == '[');
    if (closes && depth-- <= kBrokenDepth && !empty) break_line();
    out += c;
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\' && i + 1 < json.size()) out += json[++i];
    if (in_string) continue;
    const bool fills = opens && i + 1 < json.size() && json[i + 1] != '}' && json[i + 1] != ']';
    if (opens && ++depth <= kBrokenDepth && fills) break_line();
    if (c == ',' && depth <= kBrokenDepth) break_line();
    if (c == ':' || (c == ',' && depth > kBrokenDepth)) out += ' ';
  }
  return out;
}

std::string Convert(const google::protobuf::Message& message, bool lines, bool defaults = true) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = defaults;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Only a time or duration outside protobuf's range has no JSON form.
  if (!status.ok()) return "{\"error\": \"the answer holds a time that JSON cannot state\"}\n";
  return (lines ? InLines(json) : json) + "\n";
}

}  // namespace

std::string Json(const google::protobuf::Message& message) { return Convert(message, true); }
std::string JsonLine(const google::protobuf::Message& message) { return Convert(message, false); }
std::string JsonOfSet(const google::protobuf::Message& message) {
  return Convert(message, true, false);
}

}  // namespace handshake::report

// The members of a JSON object with their places, for errors that say where: the packaged protobuf
// names no line.
#ifndef HANDSHAKE_CONTROL_REPORT_JSON_MEMBERS_H_
#define HANDSHAKE_CONTROL_REPORT_JSON_MEMBERS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace handshake::report {

struct JsonMember {
  std::string_view key;    // between its quotes, escapes as they stand
  std::string_view value;  // all of it, a part of the text that was given
};

struct JsonError {
  size_t offset = 0;  // in the text that was given
  std::string what;   // "',' or '}' is expected"
};

// The members of the object that `text` is, in their order, or the first thing in it that is not
// JSON (RFC 8259). Nested to at most 100 levels.
struct JsonObject {
  std::vector<JsonMember> members;
  std::optional<JsonError> error;
};
JsonObject ParseJsonObject(std::string_view text);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_JSON_MEMBERS_H_

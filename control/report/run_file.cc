#include "control/report/run_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "control/report/json.h"
#include "control/report/json_members.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"

namespace handshake::report {
namespace {

using google::protobuf::util::JsonStringToMessage;

absl::Status Wrong(const std::string& name, int64_t line, int64_t column, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrFormat("%s:%d:%d: %s", name, line, column, what));
}

absl::Status WrongAt(const std::string& name, std::string_view text, size_t offset,
                     std::string_view what) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return Wrong(name, line, static_cast<int64_t>(before.size() - line_start) + 1, what);
}

// The first error of protobuf's text parser.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!message_.empty()) return;
    line_ = line;
    column_ = column;
    message_ = message;
  }
  absl::Status Status(const std::string& name) const {
    return Wrong(name, line_ + 1, column_ + 1, message_);
  }

 private:
  int line_ = 0;
  int column_ = 0;
  std::string message_;
};

absl::StatusOr<v1::LoadSpec> ParseText(std::string_view text, const std::string& name) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  v1::LoadSpec spec;
  if (!parser.ParseFromString(std::string(text), &spec)) return error.Status(name);
  return spec;
}

bool IsField(std::string_view key) {
  const google::protobuf::Descriptor& type = *v1::LoadSpec::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key || type.field(i)->name() == key) return true;
  }
  return false;
}

// `object` is a part of `text`, which is the file.
absl::StatusOr<v1::LoadSpec> ParseJson(std::string_view object, std::string_view text,
                                       const std::string& name) {
  const auto wrong = [&](const char* at, std::string_view what) {
    return WrongAt(name, text, static_cast<size_t>(at - text.data()), what);
  };
  const JsonObject parsed = ParseJsonObject(object);
  if (parsed.error) return wrong(object.data() + parsed.error->offset, parsed.error->what);
  v1::LoadSpec spec;
  std::set<std::string_view> seen;
  for (const JsonMember& member : parsed.members) {
    const std::string key(member.key);
    if (!IsField(key)) return wrong(member.key.data(), "no field is called \"" + key + "\"");
    if (!seen.insert(member.key).second) return wrong(member.key.data(), key + " is there twice");
    // By itself, so that an error has a place.
    v1::LoadSpec one;
    if (!JsonStringToMessage("{\"" + key + "\":" + std::string(member.value) + "}", &one).ok()) {
      return wrong(member.value.data(),
                   "that is no value for " + key + ": " + std::string(member.value.substr(0, 60)));
    }
    spec.MergeFrom(one);
  }
  return spec;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::FailedPreconditionError(
        absl::StrFormat("cannot read %s: %s", path, std::strerror(errno)));
  }
  return text.str();
}

}  // namespace

absl::StatusOr<v1::LoadSpec> ParseLoadSpec(std::string_view text, const std::string& name) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos || text[first] != '{') return ParseText(text, name);
  const JsonObject top = ParseJsonObject(text);
  if (top.error) return WrongAt(name, text, top.error->offset, top.error->what);
  for (const JsonMember& member : top.members) {
    if (member.key == "spec") return ParseJson(member.value, text, name);  // of a report
  }
  return ParseJson(text, text, name);
}

absl::StatusOr<v1::LoadSpec> ReadLoadSpec(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return ParseLoadSpec(*text, path);
}

absl::StatusOr<v1::LoadRun> ParseLoadRun(std::string_view text, const std::string& name) {
  const JsonObject top = ParseJsonObject(text);
  if (top.error) return WrongAt(name, text, top.error->offset, top.error->what);
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  v1::LoadRun run;
  for (const JsonMember& member : top.members) {
    const std::string key(member.key);
    // By itself, so that an error has a place.
    v1::LoadRun one;
    const std::string json = "{\"" + key + "\":" + std::string(member.value) + "}";
    if (!JsonStringToMessage(json, &one, options).ok()) {
      return WrongAt(name, text, static_cast<size_t>(member.value.data() - text.data()),
                     "that is no " + key + " of a load run");
    }
    run.MergeFrom(one);
  }
  if (!run.has_spec()) {
    return absl::InvalidArgumentError(name + ": no report of a load run; see load --json");
  }
  if (run.schema_version() != kLoadRunSchema) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: its schema is \"%s\", not \"%s\"", name,
                                                      run.schema_version(), kLoadRunSchema));
  }
  return run;
}

absl::StatusOr<v1::LoadRun> ReadLoadRun(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return ParseLoadRun(*text, path);
}

}  // namespace handshake::report

// A load run as a file: what it is to do, as people write it, or what came out, as reports have it.
#ifndef HANDSHAKE_CONTROL_REPORT_RUN_FILE_H_
#define HANDSHAKE_CONTROL_REPORT_RUN_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// A LoadSpec as JSON, as the text form of protobuf (comments from '#'), or a report written with
// --json, whose spec is taken. INVALID_ARGUMENT: "NAME:LINE:COLUMN: what is wrong", fields that are
// none included. Sound as text only: whether a run can be so is for whoever starts it.
absl::StatusOr<v1::LoadSpec> ParseLoadSpec(std::string_view text, const std::string& name);
// The same of a file. FAILED_PRECONDITION: it cannot be read, with why.
absl::StatusOr<v1::LoadSpec> ReadLoadSpec(const std::string& path);

// A report written with --json or -o json. Its errors are as above; INVALID_ARGUMENT too if it is
// no report of a run, or of a schema that is not known here. Fields that are none are skipped: a
// later version may have more.
absl::StatusOr<v1::LoadRun> ParseLoadRun(std::string_view text, const std::string& name);
absl::StatusOr<v1::LoadRun> ReadLoadRun(const std::string& path);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_RUN_FILE_H_

// A load run's report as files: its series as CSV, all of it as JSON, and as a page.
#ifndef HANDSHAKE_CONTROL_REPORT_LOAD_FILES_H_
#define HANDSHAKE_CONTROL_REPORT_LOAD_FILES_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/report/report_file.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// Where each is to go; empty: it is not wanted.
struct LoadFileNames {
  std::string csv = {};
  std::string json = {};
  std::string html = {};
  bool any() const { return !csv.empty() || !json.empty() || !html.empty(); }
};

// --csv, --json and --html; *names must outlive the parsing.
void AddLoadFileFlags(CLI::App& app, LoadFileNames* names);

// Opened before the run, written once behind it. Used by one thread.
class LoadFiles {
 public:
  // FAILED_PRECONDITION with the flag and why: one cannot be written; then none is touched.
  static absl::StatusOr<LoadFiles> Open(const LoadFileNames& names);

  // Of a run in the FULL view. Each is written whole or not at all; the first error is returned
  // once all were tried.
  absl::Status Write(const v1::LoadRun& run);

 private:
  using Render = std::function<std::string(const v1::LoadRun&)>;
  std::vector<std::pair<ReportFile, Render>> files_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_LOAD_FILES_H_

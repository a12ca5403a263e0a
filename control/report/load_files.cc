#include "control/report/load_files.h"

#include "absl/strings/str_cat.h"
#include "control/report/csv.h"
#include "control/report/html_report.h"
#include "control/report/json.h"

namespace handshake::report {

void AddLoadFileFlags(CLI::App& app, LoadFileNames* names) {
  app.add_option("--csv", names->csv, "Write the run over its time, a line a second")
      ->type_name("FILE");
  app.add_option("--json", names->json, "Write all of the report, for scripts and report diff")
      ->type_name("FILE");
  app.add_option("--html", names->html, "Write the report as a page with plots")->type_name("FILE");
}

absl::StatusOr<LoadFiles> LoadFiles::Open(const LoadFileNames& names) {
  LoadFiles files;
  const auto open = [&files](const char* flag, const std::string& path, Render render) {
    if (path.empty()) return absl::OkStatus();
    absl::StatusOr<ReportFile> file = ReportFile::Open(path);
    if (!file.ok()) {
      return absl::Status(file.status().code(), absl::StrCat(flag, ": ", file.status().message()));
    }
    files.files_.emplace_back(*std::move(file), std::move(render));
    return absl::OkStatus();
  };
  if (absl::Status status = open("--csv", names.csv, SeriesCsv); !status.ok()) return status;
  if (absl::Status status = open("--json", names.json, Json); !status.ok()) return status;
  if (absl::Status status = open("--html", names.html, HtmlReport); !status.ok()) return status;
  return files;
}

absl::Status LoadFiles::Write(const v1::LoadRun& run) {
  absl::Status first;
  for (auto& [file, render] : files_) first.Update(file.Write(render(run)));
  files_.clear();
  return first;
}

}  // namespace handshake::report

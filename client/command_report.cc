// handshake-client report: what is done with reports of load runs that are files.
#include <memory>
#include <string>

#include "client/commands.h"
#include "control/report/flags.h"
#include "control/report/report_diff.h"
#include "control/report/run_file.h"
#include "control/report/terminal.h"

namespace handshake::client {
namespace {

struct DiffFlags {
  std::string a;
  std::string b;
};

int RunDiff(const DiffFlags& flags) {
  const absl::StatusOr<v1::LoadRun> a = report::ReadLoadRun(flags.a);
  const absl::StatusOr<v1::LoadRun> b = report::ReadLoadRun(flags.b);
  for (const absl::Status& status : {a.status(), b.status()}) {
    if (status.ok()) continue;
    Complain(std::string(status.message()));
    return report::kExitUsage;
  }
  const report::Style style = report::StdoutStyle(report::ColourChoice::kAuto);
  return ShowReport(report::ReportDiff({flags.a, *a}, {flags.b, *b}, style), report::kExitOk);
}

}  // namespace

void AddReport(CLI::App& app, Command* command) {
  CLI::App* reports = app.add_subcommand("report", "Reports of load runs that are files");
  reports->require_subcommand(1);
  reports->footer("Examples:\n  handshake-client report diff before.json after.json");
  const auto flags = std::make_shared<DiffFlags>();
  CLI::App* diff =
      reports->add_subcommand("diff", "Two runs side by side: what differs, is it real");
  diff->add_option("A", flags->a, "Report of load --json or -o json")->required()->type_name("");
  diff->add_option("B", flags->b, "The one to compare with it")->required()->type_name("");
  diff->footer(
      "A and B are figures of whole runs. Whether they differ is judged by the seconds of\n"
      "both, of which it takes 5 each, with a 99% interval of B against A. It is exact if\n"
      "seconds do not depend on each other; what else changed between the runs (a busy\n"
      "machine) is called real too. Take turns and repeat, or see handshakectl compare.\n\n"
      "Exit codes: 0 shown, 2 a file is no report.\n\n"
      "Examples:\n"
      "  handshake-client load 127.0.0.1:7000 --rate 500 --duration 30s \\\n"
      "      --json before.json\n"
      "  handshake-client report diff before.json after.json");
  diff->callback(
      [flags, command] { *command = [flags](report::Interrupts&) { return RunDiff(*flags); }; });
}

}  // namespace handshake::client

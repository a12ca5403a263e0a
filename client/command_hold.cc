// handshake-client load --hold: many connections at once, held in mid-handshake.
#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "client/commands.h"
#include "client/hold_run.h"
#include "control/report/flags.h"
#include "control/report/hold_report.h"
#include "control/report/json.h"
#include "control/report/terminal.h"
#include "control/services/convert.h"

namespace handshake::client {
namespace {

constexpr std::chrono::milliseconds kProgressInterval{200};

void FillState(const HoldReport& report, v1::HoldRun& message) {
  if (report.dead_processes > 0) {
    message.set_state_reason(
        absl::StrFormat("%d of %d load processes were killed or crashed: out of memory?",
                        report.dead_processes, report.processes));
  }
  if (report.phase != HoldPhase::kDone) {
    message.set_state(v1::LoadRun::STATE_RUNNING);
  } else if (report.cancelled) {
    message.set_state(v1::LoadRun::STATE_CANCELLED);
    const std::string died = message.state_reason();
    message.set_state_reason("interrupted, what was open was finished at once" +
                             (died.empty() ? "" : "; " + died));
  } else {
    message.set_state(report.failed() == 0 && report.dead_processes == 0
                          ? v1::LoadRun::STATE_SUCCEEDED
                          : v1::LoadRun::STATE_FAILED);
  }
}

}  // namespace

v1::HoldRun Describe(const HoldRun& run, std::chrono::system_clock::time_point start) {
  const HoldSpec& spec = run.spec();
  const HoldReport report = run.Report();
  v1::HoldRun message;
  message.set_schema_version(std::string(report::kHoldRunSchema));
  message.set_target(spec.target.ToString());
  message.set_framing(control::ToProto(spec.handshake.framing));
  message.set_connection_count(spec.connections);
  *message.mutable_duration() = control::ToProto(spec.hold);
  *message.mutable_start_time() = control::ToProto(start);
  control::FillCounts(report, message);
  FillState(report, message);
  return message;
}

int RunHold(const HoldSpec& spec, bool json, report::Interrupts& interrupts) {
  const auto start = std::chrono::system_clock::now();
  const absl::StatusOr<std::unique_ptr<HoldRun>> run = HoldRun::Start(spec);
  if (!run.ok()) {
    Complain(std::string(run.status().message()));
    return report::kExitUsage;
  }
  {
    const report::Interrupts::Action cancel(interrupts, [&run] { (*run)->Cancel(); });
    report::LiveLine live;
    while (!(*run)->WaitFor(kProgressInterval)) {
      if (live.visible()) live.Draw(report::HoldProgress(Describe(**run, start)));
    }
  }
  const v1::HoldRun last = Describe(**run, start);
  const report::Style style = report::StdoutStyle(report::ColourChoice::kAuto);
  return ShowReport(json ? report::Json(last) : report::HoldPage(last, style),
                    interrupts.happened() ? report::kExitInterrupted : report::HoldExitCode(last));
}

}  // namespace handshake::client

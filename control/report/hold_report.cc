#include "control/report/hold_report.h"

#include "absl/strings/str_format.h"
#include "control/report/flags.h"
#include "control/report/humane.h"
#include "control/report/load_report.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

std::string Phase(int64_t count, const google::protobuf::Duration& time, double per_second) {
  return absl::StrFormat("%s in %s, %s", Count(count), Span(time), Rate(per_second));
}

}  // namespace

std::string HoldProgress(const v1::HoldRun& run) {
  std::string line;
  if (!run.has_hold_time()) {
    line = absl::StrFormat("opening: %s of %s in %s", Count(run.opened_count()),
                           Count(run.connection_count()), Span(run.open_time()));
  } else if (!run.has_finish_time()) {
    line = absl::StrFormat("holding: %s, %s of %s", Count(run.held_count()), Span(run.hold_time()),
                           Span(run.duration()));
  } else {
    line = absl::StrFormat("finishing: %s of %s in %s", Count(run.finished_count()),
                           Count(run.held_count()), Span(run.finish_time()));
  }
  return line + absl::StrFormat("  %s failed", Count(run.failed_count()));
}

std::string HoldPage(const v1::HoldRun& run, Style style) {
  const Cell state = StateCell(run.state());
  const std::string reason = run.state_reason().empty() ? "" : ": " + run.state_reason();
  const double cpu_us = ToSeconds(run.cpu_time()) * 1e6;
  Table facts = Facts();
  facts.Add({"hold", Cell(state.text + reason, state.tone)});
  facts.Add(
      {"target", absl::StrFormat("%s, framing %s", run.target(), FramingName(run.framing()))});
  facts.Add({"asked for", absl::StrFormat("%s connections at once, held for %s",
                                          Count(run.connection_count()), Span(run.duration()))});
  facts.Add({"processes", absl::StrFormat("%s, at most %s open files each",
                                          Count(run.process_count()), Count(run.fd_limit()))});
  facts.Add({"opened", Phase(run.opened_count(), run.open_time(), run.opened_per_second())});
  facts.Add({"held", absl::StrFormat("%s for %s", Count(run.held_count()), Span(run.hold_time()))});
  facts.Add(
      {"finished", Phase(run.finished_count(), run.finish_time(), run.finished_per_second())});
  facts.Add({"failed",
             Cell(Count(run.failed_count()), run.failed_count() == 0 ? Tone::kPlain : Tone::kBad)});
  if (run.untried_count() > 0) {
    facts.Add({"not tried",
               Cell(absl::StrFormat("%s: one after the other ran out of time, the server takes no "
                                    "more; see MAX CONCURRENT in 'handshakectl mode list', its log "
                                    "and its 'ulimit -n'",
                                    Count(run.untried_count())),
                    Tone::kBad)});
  }
  facts.Add(
      {"client CPU", run.opened_count() > 0
                         ? absl::StrFormat("%s, %s a connection", Span(run.cpu_time()),
                                           SpanUs(cpu_us / static_cast<double>(run.opened_count())))
                         : Span(run.cpu_time())});
  if (run.lost_count() > 0) {
    facts.Add({"lost", Cell(absl::StrFormat(
                                "the server ended %s while they were held. Unless it was stopped, "
                                "its deadlines are too short: for opening, holding and finishing, "
                                "start it with --step-timeout 10m --handshake-timeout 10m",
                                Count(run.lost_count())),
                            Tone::kBad)});
  }
  return facts.Render(style) + FailuresTable(run.failures(), style);
}

int HoldExitCode(const v1::HoldRun& run) {
  if (run.opened_count() == 0 && NeverConnected(run.failures())) return kExitUnreachable;
  return run.state() == v1::LoadRun::STATE_SUCCEEDED ? kExitOk : kExitBadOutcome;
}

}  // namespace handshake::report

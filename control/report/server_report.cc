#include "control/report/server_report.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "control/report/humane.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

Cell LostCell(int64_t lost) { return {Count(lost), lost == 0 ? Tone::kPlain : Tone::kBad}; }

}  // namespace

std::string ModeWithWorkers(v1::Mode mode, int64_t workers) {
  if (workers == 0) return ModeName(mode);
  return absl::StrFormat("%s, %d worker%s", ModeName(mode), workers, workers == 1 ? "" : "s");
}

std::string ServerPage(const v1::Server& server, std::string_view endpoint, Style style) {
  Table page = Facts();
  page.Add({"control", std::string(endpoint)});
  page.Add({"version", server.version()});
  page.Add({"mode", absl::StrFormat("%s, generation %s",
                                    ModeWithWorkers(server.mode(), server.worker_count()),
                                    Count(server.generation()))});
  page.Add(
      {"serves", absl::StrFormat("%s (framing %s)", absl::StrJoin(server.listen_addresses(), ", "),
                                 FramingName(server.framing()))});
  page.Add({"up",
            absl::StrFormat("%s, since %s", Span(server.uptime()), DateTime(server.start_time()))});
  page.Add({"process", absl::StrFormat("%d on %d CPU%s", server.process_id(), server.cpu_count(),
                                       server.cpu_count() == 1 ? "" : "s")});
  return page.Render(style);
}

std::string ModesTable(const v1::ListModesResponse& modes, Style style) {
  Table table({{"", Kind::kText},
               {"MODE", Kind::kText},
               {"MAX CONCURRENT", Kind::kNumber},
               {"HOW IT WORKS", Kind::kProse}});
  for (const v1::ModeInfo& mode : modes.modes()) {
    const Tone tone = mode.active() ? Tone::kGood : Tone::kPlain;
    if (mode.available()) {
      table.Add({Cell(mode.active() ? "*" : " ", tone), Cell(mode.name(), tone),
                 Count(mode.max_concurrent()), mode.description()});
    } else {
      table.Add({" ", Cell(mode.name(), Tone::kFaint), std::string(kNothing),
                 Cell("not available: " + mode.unavailable_reason(), Tone::kWarning)});
    }
  }
  return table.Render(style);
}

std::string SwitchLine(const v1::ModeSwitch& change, Style style) {
  const std::string to = ModeWithWorkers(change.to(), change.worker_count());
  switch (change.state()) {
    case v1::ModeSwitch::STATE_UNCHANGED:
      return absl::StrFormat("%s was in force already (generation %s); nothing changed\n", to,
                             Count(change.generation()));
    case v1::ModeSwitch::STATE_DRY_RUN:
      return absl::StrFormat("dry run: %s -> %s would work (prepared in %s); nothing changed\n",
                             ModeName(change.from()), to, Span(change.prepare_time()));
    default:
      break;
  }
  std::string line =
      absl::StrFormat("%s -> %s in %s, generation %s, switch %d", ModeName(change.from()),
                      Paint(Tone::kGood, to, style), Span(change.switch_time()),
                      Count(change.generation()), change.id());
  if (change.state() == v1::ModeSwitch::STATE_DRAINING && change.in_flight_count() > 0) {
    line +=
        absl::StrFormat("; %s in flight drain%s in the background", Count(change.in_flight_count()),
                        change.in_flight_count() == 1 ? "s" : "");
  }
  return line + "\n";
}

std::string SwitchPage(const v1::ModeSwitch& change, Style style) {
  const bool draining = change.state() == v1::ModeSwitch::STATE_DRAINING;
  Table page = Facts();
  page.Add(
      {"switch", absl::StrFormat("%d, generation %s", change.id(), Count(change.generation()))});
  page.Add({"state", StateCell(change.state())});
  page.Add({"modes", absl::StrFormat("%s -> %s", ModeName(change.from()),
                                     ModeWithWorkers(change.to(), change.worker_count()))});
  page.Add({"requested",
            absl::StrFormat("%s by %s", DateTime(change.request_time()), change.requested_by())});
  if (!change.request_id().empty()) page.Add({"request id", change.request_id()});
  page.Add({"prepare time", Span(change.prepare_time())});
  page.Add({"switch time", Span(change.switch_time())});
  page.Add({"drain time", draining ? std::string(kNothing) : Span(change.drain_time())});
  page.Add({"in flight", Count(change.in_flight_count())});
  page.Add({"  finished", Count(change.finished_count())});
  page.Add({"  failed", Count(change.failed_count())});
  page.Add({"  handed over", Count(change.handed_over_count())});
  page.Add({"  lost", LostCell(change.lost_count())});
  return page.Render(style);
}

std::string SwitchesTable(const v1::ListModeSwitchesResponse& switches, Style style) {
  if (switches.mode_switches().empty()) return "no switches yet\n";
  Table table({{"ID", Kind::kNumber},
               {"UTC", Kind::kText},
               {"FROM", Kind::kText},
               {"TO", Kind::kText},
               {"SWITCH\nms", Kind::kNumber},
               {"DRAIN\nms", Kind::kNumber},
               {"FINISHED", Kind::kNumber},
               {"HANDED\nOVER", Kind::kNumber},
               {"LOST", Kind::kNumber}});
  for (const v1::ModeSwitch& change : switches.mode_switches()) {
    const bool draining = change.state() == v1::ModeSwitch::STATE_DRAINING;
    table.Add({std::to_string(change.id()), TimeOfDay(change.request_time()),
               ModeName(change.from()), ModeName(change.to()), Milliseconds(change.switch_time()),
               draining ? StateCell(change.state()) : Cell(Milliseconds(change.drain_time())),
               Count(change.finished_count()), Count(change.handed_over_count()),
               LostCell(change.lost_count())});
  }
  return table.Render(style);
}

}  // namespace handshake::report

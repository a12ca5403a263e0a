#include "control/report/load_report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "control/report/flags.h"
#include "control/report/humane.h"
#include "control/report/names.h"
#include "control/report/reconcile.h"
#include "control/report/timelines.h"
#include "google/protobuf/text_format.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

constexpr int kBarWidth = 20;
constexpr int kMostEvents = 10;  // shown

// "run-1"; a run of this terminal has no id.
std::string NameOf(const v1::LoadRun& run) { return run.id().empty() ? "run" : run.id(); }

std::string Goal(const v1::LoadSpec& spec) {
  std::string goal;
  if (spec.handshake_count() > 0) goal = Count(spec.handshake_count()) + " handshakes";
  if (spec.has_duration()) {
    goal += (goal.empty() ? "" : " or ") + Span(spec.duration());
  }
  return goal;
}

// As it was asked for: "5,000/s", "0.50/s".
std::string AskedRate(double rate) {
  const bool whole = rate == std::floor(rate) && rate < 1e9;
  return whole ? Count(static_cast<int64_t>(rate)) + "/s" : Rate(rate);
}

// "5,000/s", or its stages: "10s:100..5000 30s:5000".
std::string PlanOf(const v1::LoadSpec& spec) {
  if (spec.stages().empty()) return AskedRate(spec.rate_per_second());
  return Printable(absl::StrJoin(spec.stages(), " "));
}

// "100 at once, thinking 10 ms", "500/s poisson (seed 0), at most 500 in flight".
std::string Loop(const v1::LoadSpec& spec) {
  if (!IsOpenLoop(spec)) {
    const std::string think =
        spec.has_think_time() ? ", thinking " + Span(spec.think_time()) : std::string();
    return Count(spec.concurrency()) + " at once" + think;
  }
  const bool even = spec.arrivals() == v1::LoadSpec::ARRIVALS_EVEN;
  return absl::StrFormat("%s %s, at most %s in flight", PlanOf(spec),
                         even ? "even" : absl::StrFormat("poisson (seed %d)", spec.seed()),
                         Count(spec.max_in_flight_count()));
}

// "50,012 planned: 49,800 begun, 200 dropped, 12 not sent".
std::string ArrivalsOf(const v1::LoadRun& run) {
  // Whatever a server answers: unsigned, for it may not fit.
  const auto unsent = static_cast<int64_t>(static_cast<uint64_t>(run.planned_count()) -
                                           static_cast<uint64_t>(run.started_count()) -
                                           static_cast<uint64_t>(run.dropped_count()));
  std::string arrivals =
      absl::StrFormat("%s planned: %s begun, %s dropped", Count(run.planned_count()),
                      Count(run.started_count()), Count(run.dropped_count()));
  if (unsent > 0) arrivals += absl::StrFormat(", %s not sent in time", Count(unsent));
  return arrivals;
}

// "127.0.0.1:7000", "example.org:7000 (192.0.2.1:7000)".
std::string TargetOf(const v1::LoadRun& run) {
  const std::string& target = run.spec().target();
  const std::string& address = run.target_address();
  if (address.empty() || address == target) return Printable(target);
  return Printable(absl::StrFormat("%s (%s)", target, address));
}

// A column's worth: "5,000/s", "2 stages".
std::string LoadOf(const v1::LoadSpec& spec) {
  if (spec.stages().empty()) return AskedRate(spec.rate_per_second());
  return absl::StrFormat("%d stage%s", spec.stages_size(), spec.stages_size() == 1 ? "" : "s");
}

// A run from before there were warm-ups has measured all of its time.
const google::protobuf::Duration& MeasuredTime(const v1::LoadRun& run) {
  return run.has_measured_time() ? run.measured_time() : run.elapsed();
}

// What happened to it, each with its time.
void AddEvents(Table& facts, const v1::LoadRun& run) {
  const int shown = std::min(run.events_size(), kMostEvents);
  for (int i = 0; i < shown; ++i) {
    const v1::LoadRunEvent& event = run.events(i);
    facts.Add({i == 0 ? "events" : "", Span(event.elapsed()) + "  " + Printable(event.text())});
  }
  if (run.event_count() > shown) {
    facts.Add({"", absl::StrFormat("and %s more, see -o json", Count(run.event_count() - shown))});
  }
}

// What of the machine may have been in the way; it is not the run's alone.
std::string MachineText(const v1::LoadRun& run) {
  return absl::StrFormat("%.1f%% of its CPU time stolen, %s segments sent again (%s SYN)",
                         run.stolen_cpu_percent(), Count(run.retransmitted_segment_count()),
                         Count(run.retransmitted_syn_count()));
}

void AddLatency(Table& table, const char* name, const v1::Latency& latency) {
  std::vector<Cell> row = {name, Count(latency.count())};
  for (double us : {static_cast<double>(latency.min_us()), latency.mean_us(),
                    static_cast<double>(latency.p50_us()), static_cast<double>(latency.p90_us()),
                    static_cast<double>(latency.p99_us()), static_cast<double>(latency.p999_us()),
                    static_cast<double>(latency.max_us())}) {
    row.push_back(latency.count() > 0 ? MillisecondsUs(us) : std::string(kNothing));
  }
  table.Add(std::move(row));
}

std::string Latencies(const v1::LoadRun& run, Style style) {
  Table table({{"LATENCY ms", Kind::kText, 13},
               {"COUNT", Kind::kNumber},
               {"MIN", Kind::kNumber},
               {"MEAN", Kind::kNumber},
               {"P50", Kind::kNumber},
               {"P90", Kind::kNumber},
               {"P99", Kind::kNumber},
               {"P99.9", Kind::kNumber},
               {"MAX", Kind::kNumber}});
  if (IsOpenLoop(run.spec())) AddLatency(table, "from intended", run.from_intended_start());
  AddLatency(table, "handshake", run.handshake());
  AddLatency(table, "connect", run.connect());
  AddLatency(table, "reply", run.reply());
  AddLatency(table, "close", run.close());
  if (IsOpenLoop(run.spec())) AddLatency(table, "send lag", run.send_lag());
  return table.Render(style);
}

}  // namespace

bool IsOpenLoop(const v1::LoadSpec& spec) {
  return spec.rate_per_second() > 0 || !spec.stages().empty();
}

std::string SpecText(const v1::LoadSpec& spec) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(spec, &text);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::string AskedFor(const v1::LoadSpec& spec) { return Goal(spec) + ", " + Loop(spec); }

Cell VerdictCell(const v1::LoadRun& run) {
  const std::string why = ": " + Printable(run.bottleneck_reason());
  switch (run.bottleneck()) {
    case v1::LoadRun::BOTTLENECK_NONE:
      return {"load sent as asked" + why, Tone::kGood};
    case v1::LoadRun::BOTTLENECK_SERVER:
      return {"server-limited" + why};
    case v1::LoadRun::BOTTLENECK_GENERATOR:
      return {"generator-limited" + why, Tone::kWarning};
    default:
      return {"unclear" + why};
  }
}

bool NeverConnected(const google::protobuf::RepeatedPtrField<v1::VerdictCount>& failures) {
  const auto connecting = [](const v1::VerdictCount& failure) {
    return failure.verdict() == v1::VERDICT_CONNECT_REFUSED ||
           failure.verdict() == v1::VERDICT_CONNECT_TIMEOUT ||
           failure.verdict() == v1::VERDICT_UNREACHABLE;
  };
  return !failures.empty() && std::all_of(failures.begin(), failures.end(), connecting);
}

double LoadFraction(const v1::LoadRun& run) {
  double fraction = 0;
  const double duration = ToSeconds(run.spec().duration());
  if (duration > 0) fraction = ToSeconds(run.elapsed()) / duration;
  if (run.spec().handshake_count() > 0) {
    const double ended = static_cast<double>(Sum(run.ok_count(), run.failed_count()));
    fraction = std::max(fraction, ended / static_cast<double>(run.spec().handshake_count()));
  }
  return std::clamp(fraction, 0.0, 1.0);
}

std::string LoadProgress(const v1::LoadRun& run) {
  const double fraction = LoadFraction(run);
  const int filled = static_cast<int>(fraction * kBarWidth);
  std::string line =
      absl::StrFormat("[%s%s] %3.0f%%  %s  %s ok  %s failed  %s", std::string(filled, '='),
                      std::string(kBarWidth - filled, ' '), fraction * 100, Span(run.elapsed()),
                      Count(run.ok_count()), Count(run.failed_count()),
                      run.paused() ? "paused" : Rate(run.ok_per_second()));
  const v1::Latency& latency = IsOpenLoop(run.spec()) ? run.from_intended_start() : run.handshake();
  if (latency.count() > 0) line += "  p99 " + SpanUs(latency.p99_us());
  const std::string dropped = "  " + Count(run.dropped_count()) + " dropped";
  if (run.dropped_count() > 0 && line.size() + dropped.size() <= kMaxWidth) line += dropped;
  return line;
}

std::string LoadInForce(const v1::LoadRun& run) {
  if (!IsOpenLoop(run.spec())) return Count(run.concurrency()) + " at once";
  return run.spec().stages().empty() ? AskedRate(run.rate_per_second()) : PlanOf(run.spec());
}

std::string LoadPage(const v1::LoadRun& run, Style style) {
  const int64_t ended = Sum(run.ok_count(), run.failed_count());
  const Cell state = StateCell(run.state());
  const std::string reason = run.state_reason().empty() ? "" : ": " + run.state_reason();
  Table facts = Facts();
  if (!run.shortfall().empty()) {
    facts.Add({"fell short", Cell(Printable(run.shortfall()), Tone::kWarning)});
  }
  facts.Add({NameOf(run), Cell(state.text + reason, state.tone)});
  for (const std::string& breach : run.breaches()) {
    facts.Add({"breached", Cell(Printable(breach), Tone::kBad)});
  }
  if (run.bottleneck() != v1::LoadRun::BOTTLENECK_UNSPECIFIED) {
    facts.Add({"verdict", VerdictCell(run)});
  }
  facts.Add({"target",
             absl::StrFormat("%s, framing %s", TargetOf(run), FramingName(run.spec().framing()))});
  facts.Add({"asked for", AskedFor(run.spec())});
  if (run.spec().has_warmup_time()) {
    facts.Add({"warm-up", "the first " + Span(run.spec().warmup_time()) + " are left out below"});
  }
  AddEvents(facts, run);
  if (IsOpenLoop(run.spec())) facts.Add({"arrivals", ArrivalsOf(run)});
  facts.Add({"handshakes",
             absl::StrFormat("%s ok, %s failed, of %s in %s", Count(run.ok_count()),
                             Count(run.failed_count()), Count(ended), Span(MeasuredTime(run)))});
  if (run.in_flight_count() > 0) facts.Add({"in flight", Count(run.in_flight_count())});
  facts.Add({"rate", absl::StrFormat("%s ok, %s connections at the most", Rate(run.ok_per_second()),
                                     Count(run.peak_connection_count()))});
  const double cpu_us = ToSeconds(run.cpu_time()) * 1e6;
  facts.Add({"client CPU", ended > 0 ? absl::StrFormat("%s, %s a handshake", Span(run.cpu_time()),
                                                       SpanUs(cpu_us / static_cast<double>(ended)))
                                     : Span(run.cpu_time())});
  if (run.has_reconciliation()) facts.Add({"ledger", ReconciliationCell(run.reconciliation())});
  if (run.stolen_cpu_percent() > 0 || run.retransmitted_segment_count() > 0) {
    facts.Add({"machine", MachineText(run)});
  }
  facts.Add({"run file", Printable(SpecText(run.spec()))});
  return facts.Render(style) + "\n" + Latencies(run, style) + FailuresTable(run.failures(), style) +
         ReconciliationTable(run.reconciliation(), style) + TimelinesTable(run.timelines(), style);
}

int LoadExitCode(const v1::LoadRun& run) {
  if (run.state() == v1::LoadRun::STATE_CANCELLED) return kExitBadOutcome;
  if (run.ok_count() == 0 && NeverConnected(run.failures())) return kExitUnreachable;
  const bool stopped =
      run.state() == v1::LoadRun::STATE_FAILED && !run.state_reason().empty() && !run.given_up();
  if (!run.breaches().empty() || stopped) return kExitBreached;
  if (run.state() != v1::LoadRun::STATE_SUCCEEDED) return kExitBadOutcome;
  if (run.reconciliation().outcome() == v1::Reconciliation::OUTCOME_DIFFERS) return kExitBadOutcome;
  const bool own_limit = run.bottleneck() == v1::LoadRun::BOTTLENECK_GENERATOR;
  return IsOpenLoop(run.spec()) && own_limit ? kExitGeneratorLimited : kExitOk;
}

std::string LoadRunsTable(const v1::ListLoadRunsResponse& runs, Style style) {
  if (runs.load_runs().empty()) return "no load runs yet\n";
  Table table({{"RUN", Kind::kText},
               {"STATE", Kind::kText},
               {"UTC", Kind::kText},
               {"TIME s", Kind::kNumber},
               {"TARGET", Kind::kText},
               {"LOAD", Kind::kNumber},
               {"OK", Kind::kNumber},
               {"FAILED", Kind::kNumber},
               {"OK /s", Kind::kNumber},
               {"P99 ms", Kind::kNumber}});
  for (const v1::LoadRun& run : runs.load_runs()) {
    const v1::Latency& latency =
        IsOpenLoop(run.spec()) ? run.from_intended_start() : run.handshake();
    const bool measured = latency.count() > 0;
    table.Add({run.id(), StateCell(run.state()), TimeOfDay(run.start_time()),
               Short(ToSeconds(run.elapsed())), run.spec().target(),
               IsOpenLoop(run.spec()) ? LoadOf(run.spec()) : Count(run.spec().concurrency()),
               Count(run.ok_count()),
               Cell(Count(run.failed_count()), run.failed_count() == 0 ? Tone::kPlain : Tone::kBad),
               Short(run.ok_per_second()),
               measured ? MillisecondsUs(latency.p99_us()) : std::string(kNothing)});
  }
  return table.Render(style);
}

std::string FailuresTable(const google::protobuf::RepeatedPtrField<v1::VerdictCount>& failures,
                          Style style) {
  Table table({{"FAILED", Kind::kText}, {"COUNT", Kind::kNumber}, {"MEANING", Kind::kProse}});
  for (const v1::VerdictCount& failure : failures) {
    table.Add({Cell(VerdictName(failure.verdict()), Tone::kBad), Count(failure.count()),
               VerdictText(failure.verdict())});
  }
  return table.empty() ? std::string() : "\n" + table.Render(style);
}

}  // namespace handshake::report

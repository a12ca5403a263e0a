#include "control/report/capacity_report.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "control/report/flags.h"
#include "control/report/hold_report.h"
#include "control/report/humane.h"
#include "control/report/load_report.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;
using Report = v1::CapacityReport;
using Trial = v1::CapacityTrial;

bool IsRate(const Report& report) { return report.quantity() == Report::QUANTITY_RATE; }

std::string StageName(Trial::Stage stage) {
  switch (stage) {
    case Trial::STAGE_GROW:
      return "grow";
    case Trial::STAGE_BISECT:
      return "bisect";
    case Trial::STAGE_PROVE:
      return "prove";
    default:
      return std::string(kNothing);
  }
}

Cell OutcomeCell(const Trial& trial) {
  switch (trial.outcome()) {
    case Trial::OUTCOME_PASSED:
      return {"passed", Tone::kGood};
    case Trial::OUTCOME_FAILED:
      return {"failed", Tone::kBad};
    case Trial::OUTCOME_GENERATOR_LIMITED:
      return {"generator", Tone::kWarning};
    default:
      return {"interrupted", Tone::kFaint};
  }
}

// Why the lowest load that failed did.
std::string WhyFailed(const Report& report) {
  for (const Trial& trial : report.trials()) {
    if (trial.load() == report.lowest_failed_load() && !trial.reason().empty()) {
      return Printable(trial.reason());
    }
  }
  return "";
}

std::string Proven(const Report& report) {
  return absl::StrFormat("%s, proven for %s", CapacityLoad(report, report.proven_load()),
                         Span(report.proof_time()));
}

// What there is where nothing is proven.
std::string Unproven(const Report& report) {
  if (report.highest_passed_load() == 0) return "nothing passed";
  return CapacityLoad(report, report.highest_passed_load()) + " passed, not proven";
}

Cell ResultCell(const Report& report) {
  const bool proven = report.proven_load() > 0;
  switch (report.outcome()) {
    case Report::OUTCOME_FOUND:
      return {Proven(report), Tone::kGood};
    case Report::OUTCOME_LIMIT_REACHED:
      return {"at least " + Proven(report) + ": the search was to go no further (--search-to)",
              Tone::kGood};
    case Report::OUTCOME_GENERATOR_LIMITED:
      return {absl::StrFormat("%s; the generator, not the server, is the limit at %s",
                              proven ? "at least " + Proven(report) : "unknown",
                              CapacityLoad(report, report.lowest_failed_load())),
              Tone::kWarning};
    case Report::OUTCOME_NOTHING_PASSED:
      return {absl::StrFormat("none: not even %s passed", CapacityLoad(report, 1)), Tone::kBad};
    case Report::OUTCOME_UNREACHABLE:
      return {"unknown: the server cannot be reached; " + Unproven(report), Tone::kBad};
    case Report::OUTCOME_INTERRUPTED:
      return {"interrupted; " + Unproven(report), Tone::kWarning};
    default:
      return {"unknown: the trials are used up; " + Unproven(report), Tone::kWarning};
  }
}

// The trials by load, in their order where it is the same.
std::vector<const Trial*> Curve(const Report& report) {
  std::vector<const Trial*> curve;
  for (const Trial& trial : report.trials()) curve.push_back(&trial);
  std::stable_sort(curve.begin(), curve.end(),
                   [](const Trial* a, const Trial* b) { return a->load() < b->load(); });
  return curve;
}

std::string RateCurve(const Report& report, Style style) {
  Table table({{"RATE /s", Kind::kNumber},
               {"STAGE", Kind::kText},
               {"OUTCOME", Kind::kText},
               {"OK /s", Kind::kNumber},
               {"P50 ms", Kind::kNumber},
               {"P99 ms", Kind::kNumber},
               {"MAX ms", Kind::kNumber},
               {"FAILED", Kind::kNumber},
               {"DROPPED", Kind::kNumber},
               {"WHY", Kind::kProse}});
  for (const Trial* trial : Curve(report)) {
    const v1::LoadRun& run = trial->load_run();
    const v1::Latency& latency = run.from_intended_start();
    const auto ms = [&latency](int64_t us) {
      return latency.count() > 0 ? MillisecondsUs(static_cast<double>(us)) : std::string(kNothing);
    };
    table.Add({Count(trial->load()), StageName(trial->stage()), OutcomeCell(*trial),
               Short(run.ok_per_second()), ms(latency.p50_us()), ms(latency.p99_us()),
               ms(latency.max_us()), Count(run.failed_count()), Count(run.dropped_count()),
               Printable(trial->reason())});
  }
  return table.Render(style);
}

std::string HeldCurve(const Report& report, Style style) {
  Table table({{"ASKED FOR", Kind::kNumber},
               {"STAGE", Kind::kText},
               {"OUTCOME", Kind::kText},
               {"HELD", Kind::kNumber},
               {"FINISHED", Kind::kNumber},
               {"OPENED /s", Kind::kNumber},
               {"WHY", Kind::kProse}});
  for (const Trial* trial : Curve(report)) {
    const v1::HoldRun& run = trial->hold_run();
    table.Add({Count(trial->load()), StageName(trial->stage()), OutcomeCell(*trial),
               Count(run.held_count()), Count(run.finished_count()), Short(run.opened_per_second()),
               Printable(trial->reason())});
  }
  return table.Render(style);
}

}  // namespace

std::string CapacityLoad(const v1::CapacityReport& report, int64_t load) {
  return Count(load) + (IsRate(report) ? "/s" : load == 1 ? " connection" : " connections");
}

std::string CapacityProgress(const v1::CapacityReport& report, const v1::CapacityTrial& trial) {
  const std::string run =
      IsRate(report) ? LoadProgress(trial.load_run()) : HoldProgress(trial.hold_run());
  return absl::StrFormat("trial %d, %s %s: %s", report.trials_size() + 1, StageName(trial.stage()),
                         CapacityLoad(report, trial.load()), run);
}

std::string CapacityPage(const v1::CapacityReport& report, Style style) {
  Table facts = Facts();
  facts.Add({"capacity", ResultCell(report)});
  if (report.lowest_failed_load() > 0) {
    facts.Add({"did not pass",
               absl::StrFormat("%s: %s", CapacityLoad(report, report.lowest_failed_load()),
                               WhyFailed(report))});
  }
  facts.Add({"target", report.target()});
  facts.Add({"wanted", report.conditions().empty()
                           ? "all finish"
                           : Printable(absl::StrJoin(report.conditions(), ", "))});
  facts.Add({"search", absl::StrFormat("%d trials of %s in %s, from %s up to %s, to %.3g%%",
                                       report.trials_size(), Span(report.trial_time()),
                                       Span(report.elapsed()), Count(report.first_load()),
                                       CapacityLoad(report, report.load_limit()),
                                       report.precision_percent())});
  return facts.Render(style) + "\n" +
         (IsRate(report) ? RateCurve(report, style) : HeldCurve(report, style));
}

int CapacityExitCode(const v1::CapacityReport& report) {
  switch (report.outcome()) {
    case Report::OUTCOME_FOUND:
    case Report::OUTCOME_LIMIT_REACHED:
      return kExitOk;
    case Report::OUTCOME_GENERATOR_LIMITED:
      return kExitGeneratorLimited;
    case Report::OUTCOME_NOTHING_PASSED:
      return kExitBreached;
    case Report::OUTCOME_UNREACHABLE:
      return kExitUnreachable;
    default:
      return kExitBadOutcome;
  }
}

}  // namespace handshake::report

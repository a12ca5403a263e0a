// handshake-client load --find-max: the highest load that a server satisfies.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "client/capacity_search.h"
#include "client/capacity_trial.h"
#include "client/commands.h"
#include "client/rate_stage.h"
#include "common/text/duration.h"
#include "control/report/capacity_report.h"
#include "control/report/flags.h"
#include "control/report/json.h"
#include "control/report/load_report.h"
#include "control/report/terminal.h"
#include "control/services/convert.h"

namespace handshake::client {
namespace {

using std::chrono::nanoseconds;
using Report = v1::CapacityReport;

constexpr std::chrono::milliseconds kShortestTrial{200};
constexpr std::chrono::minutes kLongestTrial{1};
constexpr std::chrono::seconds kRateTrial{3};
constexpr std::chrono::seconds kHoldTrial{1};
// A trial lasts for so many arrivals at least: none at all would be no trial.
constexpr int kFewestArrivals = 10;
constexpr nanoseconds kSecond = std::chrono::seconds(1);
constexpr int kProofTrials = 3;  // the time of a proof, in trials
// In front of each, left out: the queue that the last one left behind.
constexpr std::chrono::milliseconds kWarmup{500};
// Behind each, for the handshakes that are under way.
constexpr std::chrono::seconds kGrace{1};
constexpr int64_t kFrom = 100;
constexpr int64_t kHoldTo = 20'000;  // some 100 MB of the kernel's memory
constexpr std::chrono::milliseconds kProgressInterval{200};

Report::Outcome ToProto(SearchEnd end) {
  switch (end) {
    case SearchEnd::kFound:
      return Report::OUTCOME_FOUND;
    case SearchEnd::kLimitReached:
      return Report::OUTCOME_LIMIT_REACHED;
    case SearchEnd::kGeneratorLimited:
      return Report::OUTCOME_GENERATOR_LIMITED;
    case SearchEnd::kNothingPassed:
      return Report::OUTCOME_NOTHING_PASSED;
    case SearchEnd::kUndecided:
      return Report::OUTCOME_UNDECIDED;
  }
  return Report::OUTCOME_UNSPECIFIED;
}

v1::CapacityTrial::Stage ToProto(SearchStage stage) {
  switch (stage) {
    case SearchStage::kGrow:
      return v1::CapacityTrial::STAGE_GROW;
    case SearchStage::kBisect:
      return v1::CapacityTrial::STAGE_BISECT;
    case SearchStage::kProve:
      return v1::CapacityTrial::STAGE_PROVE;
  }
  return v1::CapacityTrial::STAGE_UNSPECIFIED;
}

v1::CapacityTrial::Outcome ToProto(TrialOutcome outcome) {
  switch (outcome) {
    case TrialOutcome::kPassed:
      return v1::CapacityTrial::OUTCOME_PASSED;
    case TrialOutcome::kFailed:
      return v1::CapacityTrial::OUTCOME_FAILED;
    case TrialOutcome::kGeneratorLimited:
      return v1::CapacityTrial::OUTCOME_GENERATOR_LIMITED;
  }
  return v1::CapacityTrial::OUTCOME_UNSPECIFIED;
}

// One search, as it goes on.
class Finder {
 public:
  Finder(const FindMaxSpec& spec, report::Interrupts& interrupts)
      : spec_(spec), interrupts_(interrupts) {}

  // INVALID_ARGUMENT: what is asked for cannot be tried at all.
  absl::StatusOr<Report> Run();

 private:
  absl::Status Try(const Trial& trial);
  // Fills what was measured; how that is judged. A run that this machine cannot do is the
  // generator's limit.
  absl::StatusOr<TrialJudgement> Load(const Trial& trial, v1::CapacityTrial& done);
  absl::StatusOr<TrialJudgement> Hold(const Trial& trial, v1::CapacityTrial& done);
  template <typename AnyRun, typename Fill>
  void Await(AnyRun& run, v1::CapacityTrial& done, const Fill& fill);
  nanoseconds TimeOf(const Trial& trial) const {
    return spec_.trial_time * (trial.stage == SearchStage::kProve ? kProofTrials : 1);
  }
  void DescribeSearch();

  const FindMaxSpec& spec_;
  report::Interrupts& interrupts_;
  CapacitySearch search_{spec_.bounds};
  Report report_;
  bool unreachable_ = false;  // in the last trial
};

void Finder::DescribeSearch() {
  report_.set_schema_version(std::string(report::kCapacityReportSchema));
  report_.set_target(spec_.load.target.ToString());
  report_.set_quantity(spec_.held ? Report::QUANTITY_HELD_CONNECTIONS : Report::QUANTITY_RATE);
  for (const Condition& condition : spec_.wanted) report_.add_conditions(condition.text);
  report_.set_first_load(spec_.bounds.from);
  report_.set_load_limit(spec_.bounds.to);
  report_.set_precision_percent(100 * spec_.bounds.precision);
  *report_.mutable_trial_time() = control::ToProto(spec_.trial_time);
  *report_.mutable_proof_time() = control::ToProto(spec_.trial_time * kProofTrials);
}

absl::StatusOr<Report> Finder::Run() {
  DescribeSearch();
  const auto start = std::chrono::steady_clock::now();
  *report_.mutable_start_time() = control::ToProto(std::chrono::system_clock::now());
  while (search_.Next() && !unreachable_ && !interrupts_.happened()) {
    if (absl::Status status = Try(*search_.Next()); !status.ok()) return status;
  }
  *report_.mutable_elapsed() = control::ToProto(std::chrono::steady_clock::now() - start);
  report_.set_proven_load(search_.proven().value_or(0));
  report_.set_highest_passed_load(search_.highest_passed().value_or(0));
  report_.set_lowest_failed_load(search_.lowest_failed().value_or(0));
  report_.set_outcome(unreachable_     ? Report::OUTCOME_UNREACHABLE
                      : search_.Next() ? Report::OUTCOME_INTERRUPTED
                                       : ToProto(search_.end()));
  return report_;
}

absl::Status Finder::Try(const Trial& trial) {
  v1::CapacityTrial done;
  done.set_load(trial.load);
  done.set_stage(ToProto(trial.stage));
  const absl::StatusOr<TrialJudgement> judged = spec_.held ? Hold(trial, done) : Load(trial, done);
  if (!judged.ok()) return judged.status();
  if (!interrupts_.happened()) {
    done.set_outcome(ToProto(judged->outcome));
    done.set_reason(judged->why);
    if (!unreachable_) search_.Tell(judged->outcome);
  }
  *report_.add_trials() = std::move(done);
  return absl::OkStatus();
}

template <typename AnyRun, typename Fill>
void Finder::Await(AnyRun& run, v1::CapacityTrial& done, const Fill& fill) {
  const report::Interrupts::Action cancel(interrupts_, [&run] { run.Cancel(); });
  report::LiveLine live;
  while (!run.WaitFor(kProgressInterval)) {
    if (!live.visible()) continue;
    fill();
    live.Draw(report::CapacityProgress(report_, done));
  }
  fill();
}

// What Start() refused: a limit of this machine, or what no load can be tried with.
absl::StatusOr<TrialJudgement> Refused(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kResourceExhausted) return status;
  return TrialJudgement{TrialOutcome::kGeneratorLimited, std::string(status.message())};
}

absl::StatusOr<TrialJudgement> Finder::Load(const Trial& trial, v1::CapacityTrial& done) {
  LoadSpec spec = spec_.load;
  spec.open->rate = static_cast<double>(trial.load);
  spec.warmup = std::min<nanoseconds>(kWarmup, spec_.trial_time);
  spec.duration = spec.warmup + std::max(TimeOf(trial), kFewestArrivals * kSecond / trial.load);
  const auto start = std::chrono::system_clock::now();
  const absl::StatusOr<std::unique_ptr<LoadRun>> run = LoadRun::Start(spec);
  if (!run.ok()) return Refused(run.status());
  Await(**run, done, [&] { *done.mutable_load_run() = client::Describe(**run, start); });
  unreachable_ =
      done.load_run().ok_count() == 0 && report::NeverConnected(done.load_run().failures());
  const LoadReport report = (*run)->Report();
  // A run that went on has its own proof of the target among what it left out.
  const bool proven = report.left_out.started > 0;
  if (!proven && !unreachable_ && !report.given_up.empty() && report_.trials().empty()) {
    return absl::FailedPreconditionError(report.given_up);  // and no more connects to it
  }
  return JudgeTrial(spec_.wanted, report);
}

absl::StatusOr<TrialJudgement> Finder::Hold(const Trial& trial, v1::CapacityTrial& done) {
  HoldSpec spec = spec_.hold;
  spec.connections = trial.load;
  spec.hold = TimeOf(trial);
  const auto start = std::chrono::system_clock::now();
  const absl::StatusOr<std::unique_ptr<HoldRun>> run = HoldRun::Start(spec);
  if (!run.ok()) return Refused(run.status());
  Await(**run, done, [&] { *done.mutable_hold_run() = client::Describe(**run, start); });
  unreachable_ =
      done.hold_run().opened_count() == 0 && report::NeverConnected(done.hold_run().failures());
  return JudgeTrial(spec_.wanted, (*run)->Report(), trial.load);
}

}  // namespace

void AddFindMax(CLI::App& load, FindMaxFlags& flags) {
  CLI::Option* wanted =
      load.add_option("--find-max", flags.wanted,
                      "Search the highest rate at which this holds: 'p99 < 10ms'; repeats")
          ->type_name("CONDITION");
  CLI::Option* held = load.add_flag("--find-max-concurrent", flags.held,
                                    "Search the most connections that can be held at once");
  for (const char* other : {"--concurrency", "--duration", "--count", "--think-time", "--rate",
                            "--stage", "--warmup", "--fail-if", "--stop-if", "--hlog", "--csv",
                            "--json", "--html", "--server", "--timelines", "--hold"}) {
    wanted->excludes(load.get_option(other));
    held->excludes(load.get_option(other));
  }
  const auto bound = [&load](const char* name, std::optional<int64_t>& value, const char* about) {
    load.add_option(name, value, about)
        ->check(CLI::Range(int64_t{1}, HoldRun::kMostConnections))
        ->type_name("N");
  };
  bound("--search-from", flags.from, "Try this load first: a rate, or connections [100]");
  bound("--search-to", flags.to, "Search no further [a rate of 10^6, or 20000 connections]");
  report::AddDuration(load, "--trial-time", &flags.trial_time,
                      "Of one trial, 200ms to 1m [3s; held: 1s]");
  load.add_option("--precision", flags.precision, "How near the result is to be, 1 to 50 percent")
      ->check(CLI::Range(1.0, 50.0))
      ->type_name("PERCENT")
      ->capture_default_str();
}

FindMaxSpec FindMaxSpecOf(const FindMaxFlags& flags) {
  FindMaxSpec spec;
  spec.held = flags.held;
  spec.wanted = ConditionsOf("--find-max", flags.wanted);
  for (const Condition& condition : spec.wanted) {
    if (condition.over) {
      throw CLI::ValidationError("--find-max", "'" + condition.text +
                                                   "': no window here, a trial is one; see "
                                                   "--trial-time");
    }
    if (flags.held && condition.metric != kHoldMetric) {
      throw CLI::ValidationError("--find-max",
                                 "'" + condition.text + "': held connections have errors only");
    }
  }
  const int64_t most = flags.held ? kHoldTo : static_cast<int64_t>(kMostRate);
  const int64_t to = flags.to.value_or(std::max(most, flags.from.value_or(0)));
  spec.bounds = {.from = flags.from.value_or(std::min(kFrom, to)),
                 .to = to,
                 .precision = flags.precision / 100};
  if (!flags.held && spec.bounds.to > most) {
    throw CLI::ValidationError("--search-to", absl::StrFormat("a rate is at most %d/s", most));
  }
  if (spec.bounds.from > spec.bounds.to) {
    throw CLI::ValidationError("--search-from", "more than --search-to");
  }
  spec.trial_time =
      flags.trial_time.value_or(flags.held ? nanoseconds(kHoldTrial) : nanoseconds(kRateTrial));
  if (spec.trial_time < kShortestTrial || spec.trial_time > kLongestTrial) {
    throw CLI::ValidationError("--trial-time", "from 200ms to 1m");
  }
  return spec;
}

int RunFindMax(const FindMaxSpec& spec, bool json, report::Interrupts& interrupts) {
  const nanoseconds longest =
      spec.bounds.most_trials * (kWarmup + spec.trial_time * kProofTrials + kGrace);
  Complain(
      absl::StrFormat("searching from %d to %d: at most %d trials%s; Ctrl-C shows what was found",
                      spec.bounds.from, spec.bounds.to, spec.bounds.most_trials,
                      spec.held ? "" : " in " + text::FormatDuration(longest)));
  const absl::StatusOr<Report> report = Finder(spec, interrupts).Run();
  if (!report.ok()) {
    Complain(std::string(report.status().message()));
    return report::kExitUsage;
  }
  const report::Style style = report::StdoutStyle(report::ColourChoice::kAuto);
  return ShowReport(
      json ? report::Json(*report) : report::CapacityPage(*report, style),
      interrupts.happened() ? report::kExitInterrupted : report::CapacityExitCode(*report));
}

}  // namespace handshake::client

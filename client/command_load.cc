// handshake-client load: a load run from this terminal.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/commands.h"
#include "client/condition.h"
#include "client/latency_log.h"
#include "client/load_run.h"
#include "client/rate_stage.h"
#include "control/report/flags.h"
#include "control/report/json.h"
#include "control/report/ledger_check.h"
#include "control/report/live_progress.h"
#include "control/report/load_files.h"
#include "control/report/load_report.h"
#include "control/report/run_file.h"
#include "control/report/terminal.h"
#include "control/report/timeline_recording.h"
#include "control/services/convert.h"
#include "control/services/load_spec.h"

namespace handshake::client {

std::vector<Condition> ConditionsOf(const std::string& flag,
                                    const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) {
    const absl::StatusOr<Condition> condition = ParseCondition(text);
    if (!condition.ok()) {
      throw CLI::ValidationError(flag, std::string(condition.status().message()));
    }
    conditions.push_back(*condition);
  }
  return conditions;
}

v1::LoadRun Describe(const LoadRun& run, std::chrono::system_clock::time_point start) {
  const LoadReport report = run.Report();
  v1::LoadRun message;
  *message.mutable_spec() = control::ToProto(run.spec());
  *message.mutable_start_time() = control::ToProto(start);
  control::FillCounts(report, message);
  control::FillState(report, "interrupted", message);
  return message;
}

namespace {

using std::chrono::nanoseconds;

// Sane bounds for a run that its owner watches; the service's are tighter.
constexpr int64_t kMaxConcurrency = 20'000;
constexpr int64_t kMaxThreads = 256;
constexpr std::chrono::hours kMaxDuration{24};
constexpr std::chrono::hours kMaxHold{1};
constexpr int64_t kMaxCount = 1'000'000'000;
constexpr double kMaxRate = 1'000'000;

constexpr std::chrono::hours kMaxThinkTime{1};

constexpr std::chrono::milliseconds kProgressInterval{200};
constexpr std::chrono::seconds kLogInterval{1};
constexpr int64_t kMostTimelines = 10'000;
constexpr std::chrono::seconds kServerTimeout{5};  // of one question to --server

struct LoadFlags {
  std::string target;
  int64_t concurrency = 1;
  std::optional<nanoseconds> duration;
  std::optional<int64_t> count;
  std::string framing = "line";
  int64_t threads = 0;
  nanoseconds think_time{};
  nanoseconds warmup{};
  std::optional<double> rate;
  std::vector<std::string> stages;
  std::vector<std::string> fail_if;
  std::vector<std::string> stop_if;
  std::string arrivals = "poisson";
  int64_t seed = 0;
  int64_t max_in_flight = 0;
  std::optional<int64_t> hold;
  std::optional<nanoseconds> hold_for;
  int64_t processes = 0;
  FindMaxFlags find_max;
  std::string hlog;
  std::string server;
  int64_t timelines = 0;
  std::vector<std::string> allow_load;
  std::string output = "text";
  report::LoadFileNames files;
  std::string file;
};

// What is wrong with a run file's spec, beyond its syntax; empty: nothing that the run itself would
// not say.
std::string WrongInFile(const v1::LoadSpec& spec) {
  if (spec.target().empty()) return "it names no target";
  const auto beyond = [](int64_t value, int64_t most) { return value < 0 || value > most; };
  if (beyond(spec.concurrency(), kMaxConcurrency)) return "concurrency: 1 to 20000";
  if (beyond(spec.max_in_flight_count(), kMaxConcurrency)) return "max_in_flight_count: 1 to 20000";
  if (beyond(spec.handshake_count(), kMaxCount)) return "handshake_count: 1 to 10^9";
  if (spec.framing() == v1::FRAMING_AUTO || !v1::Framing_IsValid(spec.framing())) {
    return "framing: FRAMING_LINE or FRAMING_BARE";
  }
  if (!v1::LoadSpec::Arrivals_IsValid(spec.arrivals())) return "arrivals: POISSON or EVEN";
  if (control::IsOpenLoop(spec)) {
    if (spec.concurrency() == 0 && !spec.has_think_time()) return "";
    return "concurrency and think_time are of a closed loop, which has neither a rate nor stages";
  }
  if (spec.arrivals() == v1::LoadSpec::ARRIVALS_UNSPECIFIED && spec.seed() == 0 &&
      spec.max_in_flight_count() == 0) {
    return "";
  }
  return "arrivals, seed and max_in_flight_count are of an open loop: give rate_per_second or "
         "stages";
}

// As if the command line had said what the file says. Throws what is wrong with it.
void TakeFile(LoadFlags& flags) {
  const absl::StatusOr<v1::LoadSpec> spec = report::ReadLoadSpec(flags.file);
  const auto refuse = [](const std::string& why) { throw CLI::ValidationError("--file", why); };
  if (!spec.ok()) refuse(std::string(spec.status().message()));
  if (const std::string wrong = WrongInFile(*spec); !wrong.empty()) {
    refuse(flags.file + ": " + wrong);
  }
  const auto time = [&](const google::protobuf::Duration& value, std::string_view field,
                        nanoseconds most) {
    const auto checked = control::FromProto(value, field, nanoseconds(0), most);
    if (!checked.ok()) refuse(flags.file + ": " + std::string(checked.status().message()));
    return *checked;
  };
  flags.target = spec->target();
  flags.concurrency = std::max<int64_t>(spec->concurrency(), 1);
  if (spec->has_duration()) flags.duration = time(spec->duration(), "duration", kMaxDuration);
  if (spec->handshake_count() != 0) flags.count = spec->handshake_count();
  flags.framing = spec->framing() == v1::FRAMING_BARE ? "bare" : "line";
  flags.think_time = time(spec->think_time(), "think_time", kMaxThinkTime);
  flags.warmup = time(spec->warmup_time(), "warmup_time", kMaxDuration);
  if (spec->rate_per_second() != 0) flags.rate = spec->rate_per_second();
  flags.stages.assign(spec->stages().begin(), spec->stages().end());
  flags.fail_if.assign(spec->fail_if().begin(), spec->fail_if().end());
  flags.stop_if.assign(spec->stop_if().begin(), spec->stop_if().end());
  flags.arrivals = spec->arrivals() == v1::LoadSpec::ARRIVALS_EVEN ? "even" : "poisson";
  flags.seed = spec->seed();
  flags.max_in_flight = spec->max_in_flight_count();
}

// Throws what is wrong with a stage.
std::vector<RateStage> StagesOf(const LoadFlags& flags) {
  std::vector<RateStage> stages;
  nanoseconds length{};
  for (const std::string& text : flags.stages) {
    const absl::StatusOr<RateStage> stage = ParseRateStage(text);
    if (!stage.ok()) throw CLI::ValidationError("--stage", std::string(stage.status().message()));
    if (stage->length > kMaxDuration - length) {
      throw CLI::ValidationError("--stage", "all together at most 24h");
    }
    length += stage->length;
    stages.push_back(*stage);
  }
  return stages;
}

bool IsOpenLoop(const LoadFlags& flags) {
  return flags.rate || !flags.stages.empty() || (flags.find_max.given() && !flags.find_max.held);
}

// Throws what is wrong with the flags.
void Check(const LoadFlags& flags) {
  TargetsOf(flags.allow_load);
  // Held connections are not begun by proof.
  if (flags.find_max.held && !flags.allow_load.empty()) {
    throw CLI::ValidationError("--allow-load", "not with --find-max-concurrent");
  }
  const bool searches = flags.find_max.given();
  if (!searches && (flags.find_max.from || flags.find_max.to || flags.find_max.trial_time)) {
    throw CLI::ValidationError("load",
                               "--search-from, --search-to and --trial-time require --find-max");
  }
  const bool paced = IsOpenLoop(flags) || (searches && !flags.find_max.held);
  if (!paced && (flags.arrivals != "poisson" || flags.seed != 0 || flags.max_in_flight != 0)) {
    throw CLI::ValidationError("load",
                               "--arrivals, --seed and --max-in-flight require --rate or --stage");
  }
  if (flags.hold) {
    if (!flags.hold_for) throw CLI::ValidationError("--hold", "--for is required with it");
    if (*flags.hold_for > kMaxHold) throw CLI::ValidationError("--for", "at most 1h");
    return;
  }
  if (searches) {
    FindMaxSpecOf(flags.find_max);
    return;
  }
  if (!flags.duration && !flags.count && flags.stages.empty()) {
    throw CLI::ValidationError("load", flags.rate
                                           ? "--rate needs --duration, --count or both"
                                           : "one of --duration, --count, --stage, --hold and "
                                             "--find-max is required");
  }
  if (flags.duration && (*flags.duration <= nanoseconds(0) || *flags.duration > kMaxDuration)) {
    throw CLI::ValidationError("--duration", "above 0, at most 24h");
  }
  StagesOf(flags);
  ConditionsOf("--fail-if", flags.fail_if);
  ConditionsOf("--stop-if", flags.stop_if);
}

wire::Framing FramingOf(const LoadFlags& flags) {
  return flags.framing == "bare" ? wire::Framing::kBare : wire::Framing::kLine;
}

HoldSpec HoldSpecOf(const LoadFlags& flags, const net::Address& target) {
  HoldSpec spec;
  spec.target = target;
  spec.connections = flags.hold.value_or(1);
  spec.hold = flags.hold_for.value_or(nanoseconds(0));
  spec.processes = flags.processes;
  spec.handshake.framing = FramingOf(flags);
  return spec;
}

// The stride with which about as many handshakes are sampled as were asked for, over the whole run:
// exact if its count or rate says how many there will be, else a guess.
int64_t SampleStride(const LoadFlags& flags, const LoadSpec& spec) {
  constexpr double kGuessedRate = 10'000;  // of a closed loop
  double planned = static_cast<double>(kMaxCount);
  if (spec.count) planned = static_cast<double>(*spec.count);
  if (spec.open && !spec.open->stages.empty()) {
    double arrivals = 0;
    for (const RateStage& stage : spec.open->stages) {
      arrivals += std::chrono::duration<double>(stage.length).count() * (stage.from + stage.to) / 2;
    }
    planned = std::min(planned, arrivals);
  } else if (spec.duration) {
    const double rate = spec.open ? spec.open->rate : kGuessedRate;
    planned = std::min(planned, rate * std::chrono::duration<double>(*spec.duration).count());
  }
  return report::SampleStride(std::max<int64_t>(flags.timelines, 1), planned);
}

LoadSpec SpecOf(const LoadFlags& flags, const net::Address& target) {
  LoadSpec spec;
  spec.target = target;
  spec.concurrency = flags.concurrency;
  spec.duration = flags.duration;
  spec.count = flags.count;
  spec.threads = flags.threads;
  spec.handshake.framing = FramingOf(flags);
  spec.think_time = flags.think_time;
  spec.warmup = flags.warmup;
  spec.fail_if = ConditionsOf("--fail-if", flags.fail_if);
  spec.stop_if = ConditionsOf("--stop-if", flags.stop_if);
  if (IsOpenLoop(flags)) {
    spec.open = {.rate = flags.rate.value_or(0),
                 .stages = StagesOf(flags),
                 .arrivals = flags.arrivals == "even" ? Arrivals::kEven : Arrivals::kPoisson,
                 .seed = static_cast<uint64_t>(flags.seed),
                 .max_in_flight = flags.max_in_flight};
  }
  spec.samples = flags.timelines;
  spec.sample_stride = SampleStride(flags, spec);
  return spec;
}

// Waits for the run's end; meanwhile shows how far it is, logs what it measures, and has the server
// go on recording.
void Await(LoadRun& run, std::chrono::system_clock::time_point start, LatencyLog* log,
           report::TimelineRecording* timelines, report::Interrupts& interrupts) {
  const report::Interrupts::Action cancel(interrupts, [&run] { run.Cancel(); });
  report::LiveLine live;
  report::LiveProgress progress;
  auto next_line = std::chrono::steady_clock::now() + kLogInterval;
  while (!run.WaitFor(kProgressInterval)) {
    if (live.visible()) live.Draw(progress.Add(Describe(run, start), live.width()));
    if (timelines != nullptr) timelines->Extend();
    if (log == nullptr || std::chrono::steady_clock::now() < next_line) continue;
    log->Append(run.Report());
    next_line += kLogInterval;
  }
  if (log != nullptr) log->Append(run.Report());
}

int RunLoad(const LoadFlags& flags, report::Interrupts& interrupts) {
  const absl::StatusOr<net::Address> target = TargetsOf(flags.allow_load).Resolve(flags.target);
  if (!target.ok()) {
    Complain(std::string(target.status().message()));
    return absl::IsUnavailable(target.status()) ? report::kExitUnreachable : report::kExitUsage;
  }
  if (flags.hold) {
    return RunHold(HoldSpecOf(flags, *target), flags.output == "json", interrupts);
  }
  if (flags.find_max.given()) {
    FindMaxSpec spec = FindMaxSpecOf(flags.find_max);
    spec.load = SpecOf(flags, *target);
    spec.hold = HoldSpecOf(flags, *target);
    return RunFindMax(spec, flags.output == "json", interrupts);
  }
  std::optional<report::LedgerCheck> ledger;
  if (!flags.server.empty()) {
    ledger.emplace(flags.server, kServerTimeout).Begin();
  }
  const auto start = std::chrono::system_clock::now();
  std::optional<LatencyLog> log;
  if (!flags.hlog.empty()) {
    absl::StatusOr<LatencyLog> opened =
        LatencyLog::Open(flags.hlog, start, "handshake-client load " + target->ToString());
    if (!opened.ok()) {
      Complain("--hlog: " + std::string(opened.status().message()));
      return report::kExitUsage;
    }
    log = *std::move(opened);
  }
  absl::StatusOr<report::LoadFiles> files = report::LoadFiles::Open(flags.files);
  if (!files.ok()) {
    Complain(std::string(files.status().message()));
    return report::kExitUsage;
  }
  const LoadSpec spec = SpecOf(flags, *target);
  std::optional<report::TimelineRecording> timelines;
  if (flags.timelines > 0) {
    timelines.emplace(flags.server, kServerTimeout, spec.sample_stride).Begin();
  }
  const absl::StatusOr<std::unique_ptr<LoadRun>> run = LoadRun::Start(spec);
  if (!run.ok()) {
    if (timelines) timelines->End({});  // the server need not go on
    Complain(std::string(run.status().message()));
    return report::kExitUsage;
  }
  Await(**run, start, log ? &*log : nullptr, timelines ? &*timelines : nullptr, interrupts);
  v1::LoadRun last = Describe(**run, start);
  control::FillDetail((*run)->Report(), (*run)->Series(), last);
  if (ledger) ledger->End(last);
  if (timelines) {
    *last.mutable_timelines() = timelines->End(control::SamplesOf(**run));
  }
  int code = report::LoadExitCode(last);
  for (const absl::Status& status : {log ? log->Flush() : absl::OkStatus(), files->Write(last)}) {
    if (status.ok()) continue;
    Complain(std::string(status.message()));
    code = report::kExitUsage;
  }
  const report::Style style = report::StdoutStyle(report::ColourChoice::kAuto);
  return ShowReport(flags.output == "json" ? report::Json(last) : report::LoadPage(last, style),
                    interrupts.happened() ? report::kExitInterrupted : code);
}

void AddOpenLoop(CLI::App& load, LoadFlags& flags) {
  CLI::Option* rate =
      load.add_option("--rate", flags.rate,
                      "Open loop: begin this many handshakes a second, at most 10^6")
          ->type_name("N");
  CLI::Option* stage =
      load.add_option("--stage", flags.stages,
                      "Open loop whose rate changes: LENGTH:RATE or LENGTH:FROM..TO; repeats")
          ->excludes(rate)
          ->type_name("STAGE");
  stage->excludes(load.get_option("--duration"));
  for (const char* other : {"--concurrency", "--think-time"}) {
    rate->excludes(load.get_option(other));
    stage->excludes(load.get_option(other));
  }
  load.add_option("--arrivals", flags.arrivals, "Open loop: poisson or even")
      ->check(CLI::IsMember({"poisson", "even"}))
      ->type_name("KIND")
      ->capture_default_str();
  load.add_option("--seed", flags.seed, "Open loop: the same seed plans the same times")
      ->type_name("N")
      ->capture_default_str();
  load.add_option("--max-in-flight", flags.max_in_flight,
                  "Open loop: drop what arrives beyond it; 0: a second of arrivals, from 100")
      ->check(CLI::Range(int64_t{0}, kMaxConcurrency))
      ->type_name("N")
      ->capture_default_str();
}

void AddConditions(CLI::App& load, LoadFlags& flags) {
  load.add_option("--fail-if", flags.fail_if,
                  "The run has failed if this holds: 'p99 > 5ms'; repeats")
      ->type_name("CONDITION");
  load.add_option("--stop-if", flags.stop_if,
                  "End early once this holds over a second, or 'over 10s'; repeats")
      ->type_name("CONDITION");
}

void AddHold(CLI::App& load, LoadFlags& flags) {
  CLI::Option* hold = load.add_option("--hold", flags.hold,
                                      "Hold this many connections in mid-handshake, at most 10^7")
                          ->check(CLI::Range(int64_t{1}, HoldRun::kMostConnections))
                          ->type_name("M");
  for (const char* other : {"--concurrency", "--duration", "--count", "--threads", "--think-time",
                            "--rate", "--stage", "--warmup", "--fail-if", "--stop-if", "--hlog",
                            "--csv", "--json", "--html", "--server", "--allow-load"}) {
    hold->excludes(load.get_option(other));
  }
  report::AddDuration(load, "--for", &flags.hold_for, "With --hold: for this long, at most 1h")
      ->needs(hold);
  load.add_option("--processes", flags.processes,
                  "With --hold; 0: at most the CPUs, or what the fd limit asks for")
      ->check(CLI::Range(int64_t{0}, HoldRun::kMostProcesses))
      ->needs(hold)
      ->type_name("P")
      ->capture_default_str();
}

// Behind all other options of the run.
void AddFile(CLI::App& load, LoadFlags& flags) {
  CLI::Option* file = load.add_option("--file", flags.file,
                                      "The run as a file: LoadSpec as JSON or text, or a --json "
                                      "report")
                          ->type_name("FILE");
  for (const char* other :
       {"TARGET", "--concurrency", "--duration", "--count", "--framing", "--think-time", "--rate",
        "--stage", "--arrivals", "--seed", "--max-in-flight", "--warmup", "--fail-if", "--stop-if",
        "--hold", "--find-max", "--find-max-concurrent"}) {
    file->excludes(load.get_option(other));
  }
}

}  // namespace

void AddLoad(CLI::App& app, Command* command) {
  const auto flags = std::make_shared<LoadFlags>();
  CLI::App* load = app.add_subcommand("load", "Do many handshakes, show a report");
  load->add_option("TARGET", flags->target, "Data address to load, HOST:PORT")->type_name("");
  load->add_option("--concurrency", flags->concurrency, "Clients at once, 1 to 20000")
      ->check(CLI::Range(int64_t{1}, kMaxConcurrency))
      ->type_name("N")
      ->capture_default_str();
  report::AddDuration(*load, "--duration", &flags->duration, "End after this time, at most 24h");
  load->add_option("--count", flags->count, "End after this many handshakes, at most 10^9")
      ->check(CLI::Range(int64_t{1}, kMaxCount))
      ->type_name("N");
  load->add_option("--framing", flags->framing, "line (LF ends a message) or bare")
      ->check(CLI::IsMember({"line", "bare"}))
      ->type_name("FRAMING")
      ->capture_default_str();
  load->add_option("--threads", flags->threads,
                   "0: one for each 1000 clients or 10000/s, at most the CPUs")
      ->check(CLI::Range(int64_t{0}, kMaxThreads))
      ->type_name("N")
      ->capture_default_str();
  report::AddDuration(*load, "--think-time", &flags->think_time,
                      "A client's rest between two handshakes, at most 1h");
  report::AddDuration(*load, "--warmup", &flags->warmup,
                      "Leave what begins in the first of it out of the report");
  load->add_option("--hlog", flags->hlog,
                   "Write the latencies, a line a second, for HdrHistogram's tools")
      ->type_name("FILE");
  report::AddLoadFileFlags(*load, &flags->files);
  load->add_option("--server", flags->server,
                   "Control address of the target: compare its counts with the run's")
      ->type_name("HOST:PORT");
  load->add_option("--timelines", flags->timelines,
                   "With --server: show where the time of about N handshakes went")
      ->check(CLI::Range(int64_t{1}, kMostTimelines))
      ->needs("--server")
      ->type_name("N");
  AddAllowLoad(*load, &flags->allow_load);
  AddOpenLoop(*load, *flags);
  AddConditions(*load, *flags);
  AddHold(*load, *flags);
  AddFindMax(*load, flags->find_max);
  AddFile(*load, *flags);
  load->add_option("-o,--output", flags->output, "text, or json for scripts")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  load->footer(
      "Closed loop (--concurrency): each client does one handshake after the other, each on a new\n"
      "connection, and begins nothing while it waits. Open loop (--rate): handshakes begin at "
      "planned\n"
      "times, whatever became of those before; latency counts from there, so a server that stalls\n"
      "cannot hide it. An arrival that finds --max-in-flight handshakes under way is dropped and\n"
      "counted. Its rate is held (--rate), or goes in stages: --stage 10s:100..5000 goes evenly "
      "from\n"
      "100/s to 5000/s, --stage 30s:5000 holds; they follow each other, and the last one's end is\n"
      "the run's.\n\n"
      "--duration, --count or both; the first to be reached ends the run. Ctrl-C ends it early\n"
      "and shows what it measured.\n\n"
      "Load must never be a cannon: it goes to loopback addresses, and to what --allow-load\n"
      "names: 10.0.0.0/8:7000, [2001:db8::/32]:7000-7010, 192.0.2.1:*. A host name is looked up\n"
      "once. In at most 10 connects the target must prove that it speaks the protocol; 5 s\n"
      "without a correct answer end the run.\n\n"
      "--hold M --for D opens M connections up to message 2, holds all of them at once for D, "
      "then\n"
      "finishes all. Ctrl-C ends the hold early and finishes what is open; a second one closes "
      "it.\n"
      "What M needs of open files beyond a process's hard limit (ulimit -Hn) is shared by several\n"
      "processes. The server's deadlines, 5s a step and 10s a handshake, go on meanwhile:\n"
      "  handshake-server --step-timeout 10m --handshake-timeout 10m\n\n"
      "--find-max searches the highest rate at which a condition holds, --find-max-concurrent the\n"
      "most connections that can be held: it doubles the load, bisects, then proves what it found\n"
      "three times as long. In a trial no arrival may be dropped and every handshake must end.\n"
      "Its exit codes: 0 found, 5 not even a load of 1 passed, 6 the generator was the limit, 1\n"
      "undecided after 40 trials.\n\n"
      "Conditions: p50, p90, p99, p99.9, max, mean (a duration; in an open loop from the planned\n"
      "start), errors, dropped (a number, or a share as in 0.1%), rate (successes a second); then "
      "one\n"
      "of < <= > >= =, then the value. 'p99 > 5ms over 10s' looks at each 10s behind the\n"
      "warm-up, one by one (1s to 1h). --fail-if fails too if nothing was measured.\n\n"
      "--server ADDRESS asks the server for its counts before and behind the run: it must have\n"
      "completed as many as were ok here, whatever modes it went through meanwhile. With\n"
      "--timelines N it also tells, of about N handshakes, when each of their steps happened: the\n"
      "report then says in which of them the time went. Both must have one clock (one machine).\n\n"
      "--hlog FILE writes an interval log: microseconds, a line a second, each phase under its "
      "tag.\n"
      "--csv, --json and --html are written behind the run, each whole or not at all.\n"
      "--file FILE has what TARGET and the flags of the run would say, which are refused beside\n"
      "it; every report has the run as one: the line \"run file\", and spec in --json.\n\n"
      "Exit codes, the first that fits: 130 interrupted, 2 wrong command line, too low a limit or "
      "a\n"
      "file that cannot be written, 3 no connection was ever made, 5 a --fail-if or --stop-if "
      "held,\n"
      "1 a handshake failed or the server's counts differ, 6 the generator was late or could not\n"
      "keep the rate (see verdict), 0 ok.\n\n"
      "Examples:\n"
      "  handshake-client load 127.0.0.1:7000 --concurrency 100 --duration 10s\n"
      "  handshake-client load 127.0.0.1:7000 --rate 2000 --duration 12s --warmup 2s\n"
      "  handshake-client load 127.0.0.1:7000 --stage 10s:100..5000 --stage 30s:5000\n"
      "  handshake-client load 127.0.0.1:7000 --rate 500 --duration 5s \\\n"
      "      --fail-if 'p99 > 5ms'\n"
      "  handshake-client load 127.0.0.1:7000 --count 100000 --concurrency 500 -o json\n"
      "  handshake-client load 127.0.0.1:7000 --rate 500 --duration 5s \\\n"
      "      --server 127.0.0.1:7001 --timelines 100\n"
      "  handshake-client load 127.0.0.1:7000 --hold 10000 --for 2s\n"
      "  handshake-client load 127.0.0.1:7000 --find-max 'p99 < 10ms' \\\n"
      "      --find-max 'errors = 0'");
  load->callback([flags, command] {
    if (!flags->file.empty()) TakeFile(*flags);
    if (flags->target.empty()) throw CLI::RequiredError("TARGET or --file");
    Check(*flags);
    *command = [flags](report::Interrupts& interrupts) { return RunLoad(*flags, interrupts); };
  });
}

}  // namespace handshake::client

// handshakectl load start|list|show|watch|set|pause|resume|cancel
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "control/ctl/commands.h"
#include "control/report/ledger_check.h"
#include "control/report/live_progress.h"
#include "control/report/load_files.h"
#include "control/report/load_report.h"
#include "control/report/run_file.h"
#include "control/report/timeline_recording.h"
#include "handshake/v1/load_service.grpc.pb.h"

namespace handshake::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kProgressInterval{200};
constexpr int64_t kMostTimelines = 1'000;

struct StartFlags {
  std::optional<v1::LoadSpec> from_file;  // then nothing else says what the run does
  std::string target;
  int64_t concurrency = 1;
  std::optional<nanoseconds> duration;
  std::optional<int64_t> count;
  std::string framing = "line";
  std::optional<nanoseconds> think_time;
  std::optional<nanoseconds> warmup;
  double rate = 0;
  std::vector<std::string> stages;
  std::string arrivals;
  int64_t seed = 0;
  int64_t max_in_flight = 0;
  std::vector<std::string> fail_if;
  std::vector<std::string> stop_if;
  bool detach = false;
  std::string request_id;
  std::string server;
  int64_t timelines = 0;
  report::LoadFileNames files;
};

// Of the commands about one run.
struct RunFlags {
  std::string id;
  report::LoadFileNames files;
};

bool Ended(const v1::LoadRun& run) { return run.state() != v1::LoadRun::STATE_RUNNING; }

int OutcomeOf(const v1::LoadRun& run) { return report::LoadExitCode(run); }

// All there is of a run, if stdout or a file is to have it; once: while it goes on that would be
// too much to watch. Returns `code`, or why it could not be had, which it has said; then `run`
// stays.
int Complete(Context& context, const report::LoadFileNames& files, v1::LoadRun* run, int code) {
  if (!context.json() && !files.any()) return code;
  v1::GetLoadRunRequest request;
  request.set_id(run->id());
  request.set_view(v1::LOAD_RUN_VIEW_FULL);
  grpc::ClientContext call;  // an interrupt, which ended the run, does not cancel this
  context.SetDeadline(call);
  v1::LoadRun all;
  const grpc::Status status =
      v1::LoadService::NewStub(context.channel())->GetLoadRun(&call, request, &all);
  if (!status.ok()) return context.Explain(status);
  *run = std::move(all);
  if (!files.any() || run->has_histograms()) return code;
  context.Complain(run->id() + " has no series and no histograms any more: it is too old");
  return code == kExitOk ? kExitBadOutcome : code;
}

// Before anything is asked of the service. Says what cannot be written; then the command ends with
// kExitUsage.
std::optional<report::LoadFiles> OpenFiles(Context& context, const report::LoadFileNames& names) {
  absl::StatusOr<report::LoadFiles> files = report::LoadFiles::Open(names);
  if (files.ok()) return *std::move(files);
  context.Complain(std::string(files.status().message()));
  return std::nullopt;
}

// The report: to its files if it is all there, and to stdout.
int ShowRun(Context& context, const v1::LoadRun& run, report::LoadFiles& files, int code) {
  const absl::Status written = run.has_histograms() ? files.Write(run) : absl::OkStatus();
  if (!written.ok()) {
    context.Complain(std::string(written.message()));
    if (code != kExitInterrupted) code = kExitUsage;
  }
  return context.Show(run, report::LoadPage(run, context.style()), code);
}

// Follows the run with a live line until it ends or an interrupt comes; `run` is its last state.
// Meanwhile the server goes on recording, if it does.
grpc::Status Follow(Context& context, v1::LoadRun* run,
                    report::TimelineRecording* timelines = nullptr) {
  const auto stub = v1::LoadService::NewStub(context.channel());
  v1::WatchLoadRunRequest request;
  request.set_id(run->id());
  *request.mutable_interval() = ToProto(kProgressInterval);
  report::LiveLine live;
  report::LiveProgress progress;
  return context.Stream<v1::LoadRun>(
      kProgressInterval,
      [&](grpc::ClientContext& call) { return stub->WatchLoadRun(&call, request); },
      [&](const v1::LoadRun& now) {
        *run = now;
        live.Draw(progress.Add(now, live.width()));
        if (timelines != nullptr) timelines->Extend();
        return !Ended(now);
      });
}

grpc::Status GetRun(Context& context, const std::string& id, v1::LoadRun* run) {
  const auto stub = v1::LoadService::NewStub(context.channel());
  v1::GetLoadRunRequest request;
  request.set_id(id);
  return context.Call(
      [&](grpc::ClientContext& call) { return stub->GetLoadRun(&call, request, run); });
}

// Ends the run and waits, at most --timeout, until its last connections are gone.
grpc::Status Cancel(Context& context, v1::LoadRun* run) {
  const auto stub = v1::LoadService::NewStub(context.channel());
  grpc::ClientContext call;
  context.SetDeadline(call);
  v1::CancelLoadRunRequest cancel;
  cancel.set_id(run->id());
  const grpc::Status status = stub->CancelLoadRun(&call, cancel, run);
  if (!status.ok() || Ended(*run)) return status;

  grpc::ClientContext stream;
  context.SetDeadline(stream);
  v1::WatchLoadRunRequest watch;
  watch.set_id(run->id());
  *watch.mutable_interval() = ToProto(kProgressInterval);
  const auto reader = stub->WatchLoadRun(&stream, watch);
  while (reader->Read(run)) continue;
  return reader->Finish();
}

// The service judges it: it has the caps, and the grammar of stages and conditions.
v1::LoadSpec SpecOf(const StartFlags& flags) {
  v1::LoadSpec spec;
  spec.set_target(flags.target);
  if (flags.duration) *spec.mutable_duration() = ToProto(*flags.duration);
  if (flags.count) spec.set_handshake_count(*flags.count);
  spec.set_framing(flags.framing == "bare" ? v1::FRAMING_BARE : v1::FRAMING_LINE);
  if (flags.warmup) *spec.mutable_warmup_time() = ToProto(*flags.warmup);
  if (flags.think_time) *spec.mutable_think_time() = ToProto(*flags.think_time);
  spec.set_rate_per_second(flags.rate);
  for (const std::string& stage : flags.stages) spec.add_stages(stage);
  if (flags.rate == 0 && flags.stages.empty()) spec.set_concurrency(flags.concurrency);
  if (flags.arrivals == "poisson") spec.set_arrivals(v1::LoadSpec::ARRIVALS_POISSON);
  if (flags.arrivals == "even") spec.set_arrivals(v1::LoadSpec::ARRIVALS_EVEN);
  spec.set_seed(flags.seed);
  spec.set_max_in_flight_count(flags.max_in_flight);
  for (const std::string& condition : flags.fail_if) spec.add_fail_if(condition);
  for (const std::string& condition : flags.stop_if) spec.add_stop_if(condition);
  return spec;
}

// The check of both ends' counts, begun: against the server that was named, or the endpoint.
// Nothing where the run may have begun before: a repeated request is given the first one's run.
std::unique_ptr<report::LedgerCheck> BeginCheck(const Context& context, const StartFlags& flags) {
  if (flags.detach || !flags.request_id.empty()) return nullptr;
  auto check = std::make_unique<report::LedgerCheck>(
      flags.server.empty() ? context.endpoint() : flags.server, context.timeout());
  check->Begin();
  return check;
}

// An endpoint that is not the server of the target was not named as such: there is nothing to say.
void EndCheck(const StartFlags& flags, report::LedgerCheck& check, v1::LoadRun& run) {
  if (!flags.server.empty() || check.Serves(run)) check.End(run);
}

// How many handshakes there will be, if that can be told from a spec that the service has not
// judged: of a closed loop without a count it is a guess.
double PlannedBy(const v1::LoadSpec& spec) {
  constexpr double kGuessedRate = 5'000;
  double planned = static_cast<double>(spec.handshake_count());
  if (spec.has_duration()) {
    const double rate = spec.rate_per_second() > 0 ? spec.rate_per_second() : kGuessedRate;
    const double due = rate * static_cast<double>(spec.duration().seconds() + 1);
    planned = planned > 0 ? std::min(planned, due) : due;
  }
  return planned;
}

// Has the server record and the run keep what they will join; begun before the run is.
std::unique_ptr<report::TimelineRecording> BeginTimelines(const Context& context,
                                                          const StartFlags& flags,
                                                          v1::LoadSpec& spec) {
  if (flags.timelines == 0) return nullptr;
  spec.set_sample_count(flags.timelines);
  spec.set_sequence_stride(report::SampleStride(flags.timelines, PlannedBy(spec)));
  auto timelines = std::make_unique<report::TimelineRecording>(
      flags.server.empty() ? context.endpoint() : flags.server, context.timeout(),
      spec.sequence_stride());
  timelines->Begin();
  return timelines;
}

// Behind a run's end; whatever became of the run, the server need not go on.
void EndTimelines(Context& context, report::TimelineRecording& timelines, v1::LoadRun& run) {
  v1::GetLoadRunRequest request;
  request.set_id(run.id());
  request.set_view(v1::LOAD_RUN_VIEW_FULL);
  grpc::ClientContext call;  // an interrupt, which ended the run, does not cancel this
  context.SetDeadline(call);
  v1::LoadRun full;
  (void)v1::LoadService::NewStub(context.channel())->GetLoadRun(&call, request, &full);
  *run.mutable_timelines() = timelines.End(full.client_timelines());
  run.clear_client_timelines();  // they are in there
}

int Start(Context& context, const StartFlags& flags) {
  std::optional<report::LoadFiles> files = OpenFiles(context, flags.files);
  if (!files) return kExitUsage;
  const auto stub = v1::LoadService::NewStub(context.channel());
  v1::CreateLoadRunRequest request;
  *request.mutable_spec() = flags.from_file ? *flags.from_file : SpecOf(flags);
  if (flags.timelines > 0 && request.spec().stages_size() > 0) {
    context.Complain("--timelines: not with stages, whose handshakes cannot be counted beforehand");
    return kExitUsage;
  }
  const auto timelines = BeginTimelines(context, flags, *request.mutable_spec());
  request.set_detached(flags.detach);
  request.set_request_id(flags.request_id);
  const std::unique_ptr<report::LedgerCheck> check = BeginCheck(context, flags);
  v1::LoadRun run;
  grpc::Status status = context.Call(
      [&](grpc::ClientContext& call) { return stub->CreateLoadRun(&call, request, &run); });
  if (!status.ok()) {
    if (timelines != nullptr) timelines->End({});
    return context.Explain(status);
  }
  if (flags.detach) {
    return context.Show(
        run, absl::StrFormat("%s started; follow it: handshakectl --endpoint %s load watch %s\n",
                             run.id(), context.endpoint(), run.id()));
  }
  status = Follow(context, &run, timelines.get());
  const bool interrupted = context.interrupts().happened();
  if (interrupted) status = Cancel(context, &run);
  if (!status.ok()) {
    const int code = context.Explain(status);
    if (!interrupted) return code;
  }
  const int lacking = status.ok() ? Complete(context, flags.files, &run, kExitOk) : kExitOk;
  if (check != nullptr && Ended(run)) EndCheck(flags, *check, run);
  if (timelines != nullptr) EndTimelines(context, *timelines, run);
  const int code = lacking != kExitOk ? lacking : OutcomeOf(run);
  return ShowRun(context, run, *files, interrupted ? kExitInterrupted : code);
}

int List(Context& context, int32_t limit) {
  const auto stub = v1::LoadService::NewStub(context.channel());
  v1::ListLoadRunsRequest request;
  request.set_page_size(limit);
  v1::ListLoadRunsResponse runs;
  const grpc::Status status = context.Call(
      [&](grpc::ClientContext& call) { return stub->ListLoadRuns(&call, request, &runs); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(runs, report::LoadRunsTable(runs, context.style()));
}

int Show(Context& context, const RunFlags& flags) {
  std::optional<report::LoadFiles> files = OpenFiles(context, flags.files);
  if (!files) return kExitUsage;
  v1::LoadRun run;
  const grpc::Status status = GetRun(context, flags.id, &run);
  if (!status.ok()) return context.Explain(status);
  const int code = Complete(context, flags.files, &run, kExitOk);
  return ShowRun(context, run, *files, code);
}

int Watch(Context& context, const RunFlags& flags) {
  std::optional<report::LoadFiles> files = OpenFiles(context, flags.files);
  if (!files) return kExitUsage;
  v1::LoadRun run;
  run.set_id(flags.id);
  const grpc::Status status = Follow(context, &run);
  if (context.interrupts().happened()) return kExitInterrupted;
  if (!status.ok()) return context.Explain(status);
  const int code = Complete(context, flags.files, &run, OutcomeOf(run));
  return ShowRun(context, run, *files, code);
}

int CancelOne(Context& context, const RunFlags& flags) {
  std::optional<report::LoadFiles> files = OpenFiles(context, flags.files);
  if (!files) return kExitUsage;
  v1::LoadRun run;
  run.set_id(flags.id);
  const grpc::Status status = Cancel(context, &run);
  if (!status.ok()) return context.Explain(status);
  const int code = Complete(context, flags.files, &run, kExitOk);
  return ShowRun(context, run, *files, code);
}

// "run-1 is paused, 2,000/s", "run-1 goes on, 50 at once".
std::string InForce(const v1::LoadRun& run) {
  const std::string state = run.state() != v1::LoadRun::STATE_RUNNING ? "has ended"
                            : run.paused()                            ? "is paused"
                                                                      : "goes on";
  return absl::StrFormat("%s %s, %s\n", run.id(), state, report::LoadInForce(run));
}

int Update(Context& context, const v1::UpdateLoadRunRequest& request) {
  const auto stub = v1::LoadService::NewStub(context.channel());
  v1::LoadRun run;
  const grpc::Status status = context.Call(
      [&](grpc::ClientContext& call) { return stub->UpdateLoadRun(&call, request, &run); });
  return status.ok() ? context.Show(run, InForce(run)) : context.Explain(status);
}

int SetPaused(Context& context, const std::string& id, bool paused) {
  v1::UpdateLoadRunRequest request;
  request.set_id(id);
  request.set_paused(paused);
  return Update(context, request);
}
int Pause(Context& context, const RunFlags& flags) { return SetPaused(context, flags.id, true); }
int Resume(Context& context, const RunFlags& flags) { return SetPaused(context, flags.id, false); }

// "" if it is a number above 0.
std::string WhyNoRate(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool good = end != text.c_str() && *end == '\0' && value > 0 && std::isfinite(value);
  return good ? std::string() : "give a number above 0";
}

void AddOpenLoop(CLI::App& start, StartFlags& flags) {
  CLI::Option* concurrency = start.get_option("--concurrency");
  CLI::Option* rate =
      start
          .add_option("--rate", flags.rate,
                      "Open loop: begin this many handshakes a second, at most 5000")
          ->check(WhyNoRate, "")
          ->type_name("N")
          ->excludes(concurrency);
  start
      .add_option("--stage", flags.stages,
                  "Open loop whose rate changes: LENGTH:RATE or LENGTH:FROM..TO; repeats")
      ->type_name("STAGE")
      ->excludes(concurrency)
      ->excludes(rate)
      ->excludes(start.get_option("--duration"));
  start.add_option("--arrivals", flags.arrivals, "Open loop: poisson (default) or even")
      ->check(CLI::IsMember({"poisson", "even"}))
      ->type_name("KIND");
  start.add_option("--seed", flags.seed, "Open loop: the same seed plans the same times")
      ->type_name("N");
  start
      .add_option("--max-in-flight", flags.max_in_flight,
                  "Open loop: drop what arrives beyond it; default: a second of arrivals")
      ->check(report::FromOne())
      ->type_name("N");
}

void AddStart(CLI::App& load, Context& context) {
  const auto flags = std::make_shared<StartFlags>();
  CLI::App* start = load.add_subcommand("start", "Start a run, follow it, show its report");
  start->fallthrough();
  start
      ->add_option("TARGET", flags->target,
                   "Data address to load, HOST:PORT; see --allow-load there")
      ->type_name("");
  start->add_option("--concurrency", flags->concurrency, "Clients at once, 1 to 2000")
      ->check(report::FromOne())
      ->type_name("N")
      ->capture_default_str();
  report::AddDuration(*start, "--duration", &flags->duration, "End after this time, at most 24h");
  start->add_option("--count", flags->count, "End after this many handshakes, at most 10^9")
      ->check(report::FromOne())
      ->type_name("N");
  AddOpenLoop(*start, *flags);
  report::AddDuration(*start, "--think-time", &flags->think_time,
                      "Closed loop: a client's rest between two handshakes, at most 1h");
  report::AddDuration(*start, "--warmup", &flags->warmup,
                      "Leave what begins in the first of it out of the report");
  start
      ->add_option("--fail-if", flags->fail_if,
                   "It has failed if this holds: 'p99 > 5ms', or '.. over 10s'; repeats")
      ->type_name("CONDITION");
  start->add_option("--stop-if", flags->stop_if, "End early once this holds over a second; repeats")
      ->type_name("CONDITION");
  start->add_option("--framing", flags->framing, "line or bare")
      ->check(CLI::IsMember({"line", "bare"}))
      ->type_name("FRAMING")
      ->capture_default_str();
  const auto file = std::make_shared<std::string>();
  CLI::Option* file_option =
      start
          ->add_option("--file", *file,
                       "The run as a file: LoadSpec as JSON or text, or a --json report")
          ->type_name("FILE");
  for (const char* other : {"TARGET", "--concurrency", "--duration", "--count", "--framing",
                            "--think-time", "--rate", "--stage", "--arrivals", "--seed",
                            "--max-in-flight", "--warmup", "--fail-if", "--stop-if"}) {
    file_option->excludes(start->get_option(other));
  }
  CLI::Option* detach = start->add_flag("--detach", flags->detach,
                                        "Print the run's id, let it go on alone; at most 1m");
  CLI::Option* timelines =
      start
          ->add_option("--timelines", flags->timelines,
                       "Show where the time of about N handshakes went, at most 1000")
          ->check(CLI::Range(int64_t{1}, kMostTimelines))
          ->excludes(detach)
          ->excludes(start->get_option("--stage"))
          ->type_name("N");
  report::AddLoadFileFlags(*start, &flags->files);
  for (const char* name : {"--csv", "--json", "--html"}) detach->excludes(start->get_option(name));
  CLI::Option* server =
      start
          ->add_option("--server", flags->server,
                       "Control of the target's server, if the endpoint is an agent's")
          ->type_name("HOST:PORT")
          ->excludes(detach);
  start
      ->add_option("--request-id", flags->request_id,
                   "To repeat safely: the same id starts only one run")
      ->type_name("ID")
      ->excludes(server)
      ->excludes(timelines);
  start->footer(
      "Closed loop (--concurrency): each client does one handshake after the other. Open loop\n"
      "(--rate, --stage): handshakes begin at planned times; see: handshake-client load --help.\n"
      "--duration, --count or both; the first to be reached ends the run. Ctrl-C cancels the run\n"
      "and shows what it measured. A server that is loaded is asked for its counts before and\n"
      "behind the run: it must have completed as many handshakes as were ok. Not with\n"
      "--request-id: a repeated request may find its run begun. With --timelines N it also tells\n"
      "when the steps of about N handshakes happened, and so does the run: on one machine.\n"
      "--csv, --json and --html are written behind the run, each whole or not at all.\n\n"
      "Exit codes: 3 no connection was ever made, 5 a --fail-if or --stop-if held, 1 a handshake\n"
      "failed or the server's counts differ, 6 the generator was late (see verdict); 4 the server\n"
      "refused the run, 2 a file cannot be written.\n\n"
      "Examples:\n"
      "  handshakectl load start 127.0.0.1:7000 --concurrency 100 --duration 10s\n"
      "  handshakectl load start 127.0.0.1:7000 --rate 1000 --duration 10s \\\n"
      "      --fail-if 'p99 > 5ms'\n"
      "  handshakectl load start 127.0.0.1:7000 --count 1000 --framing bare -o json\n"
      "  handshakectl load start 127.0.0.1:7000 --concurrency 50 --duration 1m --detach");
  start->callback([&context, flags, file] {
    if (!file->empty()) {
      const absl::StatusOr<v1::LoadSpec> spec = report::ReadLoadSpec(*file);
      if (!spec.ok()) throw CLI::ValidationError("--file", std::string(spec.status().message()));
      flags->from_file = *spec;
      flags->target = spec->target();
      context.command = [&context, flags] { return Start(context, *flags); };
      return;
    }
    if (flags->target.empty()) throw CLI::RequiredError("TARGET or --file");
    if (!flags->duration && !flags->count && flags->stages.empty()) {
      throw CLI::ValidationError("load start",
                                 "one of --duration, --count and --stage is required");
    }
    context.command = [&context, flags] { return Start(context, *flags); };
  });
}

using RunCommand = int (*)(Context& context, const RunFlags& flags);

struct RunCommandHelp {
  std::string name;
  std::string description;
  std::string footer;
  bool shows_report = true;
};

void AddRunCommand(CLI::App& load, Context& context, const RunCommandHelp& help, RunCommand run) {
  const auto flags = std::make_shared<RunFlags>();
  CLI::App* command = load.add_subcommand(help.name, help.description);
  command->fallthrough();
  command->add_option("ID", flags->id, "As in load list: run-1")->required()->type_name("");
  if (help.shows_report) report::AddLoadFileFlags(*command, &flags->files);
  command->footer(help.footer);
  command->callback([&context, flags, run] {
    context.command = [&context, flags, run] { return run(context, *flags); };
  });
}

void AddSet(CLI::App& load, Context& context) {
  const auto request = std::make_shared<v1::UpdateLoadRunRequest>();
  CLI::App* set = load.add_subcommand("set", "Change the rate or concurrency of a run");
  set->fallthrough();
  const auto id = [request](const std::string& text) { request->set_id(text); };
  set->add_option_function<std::string>("ID", id, "As in load list: run-1")
      ->required()
      ->type_name("");
  const auto rate = [request](double value) { request->set_rate_per_second(value); };
  CLI::Option* rate_option =
      set->add_option_function<double>(
             "--rate", rate, "Open loop, not of stages: handshakes begun a second, at most 5000")
          ->check(WhyNoRate, "")
          ->type_name("N");
  const auto concurrency = [request](int64_t value) { request->set_concurrency(value); };
  set->add_option_function<int64_t>("--concurrency", concurrency,
                                    "Closed loop: clients at once, 1 to 2000")
      ->check(report::FromOne())
      ->type_name("N")
      ->excludes(rate_option);
  set->footer(
      "From now on: what was planned or begun before goes on. The report shows each change.\n"
      "--max-in-flight stays as it was, also where the first rate chose it.\n\n"
      "Examples:\n"
      "  handshakectl load set run-1 --rate 2000\n"
      "  handshakectl load set run-2 --concurrency 50");
  set->callback([&context, request] {
    if (!request->has_rate_per_second() && !request->has_concurrency()) {
      throw CLI::ValidationError("load set", "one of --rate and --concurrency is required");
    }
    context.command = [&context, request] { return Update(context, *request); };
  });
}

void AddList(CLI::App& load, Context& context) {
  const auto limit = std::make_shared<int32_t>(50);
  CLI::App* list = load.add_subcommand("list", "The runs, newest first");
  list->fallthrough();
  list->add_option("--limit", *limit, "At most this many, 1 to 1000")
      ->check(CLI::Range(1, 1'000))
      ->type_name("N")
      ->capture_default_str();
  list->footer("Examples:\n  handshakectl load list --limit 5");
  list->callback(
      [&context, limit] { context.command = [&context, limit] { return List(context, *limit); }; });
}

}  // namespace

void AddLoad(CLI::App& app, Context& context) {
  CLI::App* load = app.add_subcommand("load", "Spawn clients on the machine of the endpoint");
  load->require_subcommand(1)->fallthrough();
  load->footer(
      "Examples:\n"
      "  handshakectl load start 127.0.0.1:7000 --concurrency 100 --duration 10s\n"
      "  handshakectl load list\n"
      "  handshakectl load set run-1 --concurrency 200\n"
      "  handshakectl load cancel run-1");
  AddStart(*load, context);
  AddList(*load, context);
  AddRunCommand(*load, context,
                {"show", "One run: its report, or how far it is",
                 "--csv, --json and --html have what is known so far.\n\nExamples:\n"
                 "  handshakectl load show run-1\n"
                 "  handshakectl load show run-1 --html run-1.html"},
                Show);
  AddRunCommand(*load, context,
                {"watch", "Follow a run to its end, then show its report",
                 "Ctrl-C stops following; the run goes on. Exit codes as of load start.\n\n"
                 "Examples:\n  handshakectl load watch run-1"},
                Watch);
  AddSet(*load, context);
  AddRunCommand(*load, context,
                {"pause", "Begin nothing more until it is resumed",
                 "What is under way goes on, and so does the run's time: a pause is not made up\n"
                 "for.\n\nExamples:\n  handshakectl load pause run-1",
                 /*shows_report=*/false},
                Pause);
  AddRunCommand(*load, context,
                {"resume", "Go on behind a pause", "Examples:\n  handshakectl load resume run-1",
                 /*shows_report=*/false},
                Resume);
  AddRunCommand(*load, context,
                {"cancel", "End a run early, show what it measured",
                 "Examples:\n  handshakectl load cancel run-1"},
                CancelOne);
}

}  // namespace handshake::ctl

#include "control/ctl/mode_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/text/duration.h"
#include "control/report/humane.h"
#include "control/report/mode_table_report.h"
#include "control/report/names.h"
#include "control/rpc/channel.h"
#include "google/protobuf/util/json_util.h"

namespace handshake::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr seconds kStartTimeout{10};
// A probe's end, and the last deadline of a client, take no longer than this beyond its duration.
constexpr seconds kProbeSlack{20};
// A server that takes no more leaves clients without an answer until their deadlines, 5 s.
constexpr seconds kNoMoreHeld{7};
constexpr milliseconds kHeldPoll{100};
constexpr int64_t kSlopeFrom = 1'000;   // connections held
constexpr int64_t kSlopeTo = 5'000;     // connections held
constexpr int64_t kSlopeLeast = 2'000;  // connections held: with fewer, noise is most of it
constexpr int64_t kCpuClients = 64;
// What a client process can have within a hard limit of 20,000 open files.
constexpr int64_t kMostClients = 19'000;

const v1::ModeStats& StatsOf(const v1::Stats& stats, v1::Mode mode) {
  for (const v1::ModeStats& of_mode : stats.modes()) {
    if (of_mode.mode() == mode) return of_mode;
  }
  return v1::ModeStats::default_instance();
}

int64_t HeldOf(const v1::Stats& stats) {
  int64_t held = 0;
  for (const v1::ModeStats& mode : stats.modes()) held += mode.held_count();
  return held;
}

// 0 if nothing was completed between.
double CpuUs(const v1::ModeStats& before, const v1::ModeStats& after) {
  const int64_t completed = after.completed_count() - before.completed_count();
  if (completed <= 0) return 0;
  const double cpu =
      report::ToSeconds(after.engine_cpu_time()) - report::ToSeconds(before.engine_cpu_time());
  return cpu * 1e6 / static_cast<double>(completed);
}

}  // namespace

absl::Status ModeTableRun::Run() {
  const auto start = Clock::now();
  table_.set_schema_version("1");
  table_.set_max_client_count(spec_.max_clients);
  *table_.mutable_probe_time() = ToProto(spec_.probe);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  table_.mutable_start_time()->set_seconds(std::chrono::duration_cast<seconds>(now).count());
  absl::Status status;
  for (const v1::Mode mode : spec_.modes) {
    v1::ModeTableRow row;
    row.set_mode(mode);
    row.set_name(report::ModeName(mode));
    status = MeasureMode(row);
    // A server that does not start in this mode is an answer; one that cannot be executed is not.
    if (absl::IsUnavailable(status)) {
      row.set_unavailable_reason(std::string(status.message()));
      status = absl::OkStatus();
    }
    if (!status.ok()) break;
    *table_.add_rows() = std::move(row);
  }
  live_.Wipe();
  *table_.mutable_elapsed() = ToProto(Clock::now() - start);
  return status;
}

absl::Status ModeTableRun::MeasureMode(v1::ModeTableRow& row) {
  absl::Status status = MeasureHeld(row);
  return status.ok() ? MeasureServed(row) : status;
}

absl::StatusOr<ModeTableRun::Server> ModeTableRun::StartServer(
    const v1::ModeTableRow& row, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"--listen",    "127.0.0.1:0", "--control",
                                    "127.0.0.1:0", "--mode",      row.name()};
  words.insert(words.end(), more.begin(), more.end());
  Server server;
  absl::StatusOr<std::unique_ptr<ChildProcess>> process =
      ChildProcess::Start(spec_.server_binary, words);
  if (!process.ok()) return process.status();
  server.process = *std::move(process);
  absl::StatusOr<std::string> target = server.process->WaitForLine("listening on ", kStartTimeout);
  if (!target.ok()) return target.status();
  absl::StatusOr<std::string> control = server.process->WaitForLine("control on ", kStartTimeout);
  if (!control.ok()) return control.status();
  const absl::StatusOr<std::string> ready = server.process->WaitForLine("ready", kStartTimeout);
  if (!ready.ok()) return ready.status();
  server.target = target->substr(0, target->find(' '));
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      control::MakeChannel(control->substr(0, control->find(' ')));
  if (!channel.ok()) return channel.status();
  server.stub = v1::ServerService::NewStub(*channel);
  return server;
}

absl::Status ModeTableRun::MeasureHeld(v1::ModeTableRow& row) {
  Draw(row, "how many it holds");
  const absl::StatusOr<Server> server =
      StartServer(row, {"--step-timeout", "10m", "--handshake-timeout", "10m"});
  if (!server.ok()) return server.status();
  // One process after the other adds its connections to those before.
  std::vector<std::unique_ptr<ChildProcess>> holders;
  Held first;
  for (const int64_t goal : {kSlopeFrom, kSlopeTo, spec_.max_clients}) {
    const int64_t wanted = std::min(goal, spec_.max_clients);
    if (wanted <= row.held_count()) continue;
    absl::StatusOr<std::unique_ptr<ChildProcess>> holder = Hold(*server, wanted - row.held_count());
    if (!holder.ok()) return holder.status();
    holders.push_back(*std::move(holder));
    const absl::StatusOr<Held> held = AwaitHeld(*server, wanted);
    if (!held.ok()) return held.status();
    row.set_held_count(held->count);
    if (held->count == kSlopeFrom) first = *held;
    if (goal == kSlopeTo && first.count > 0 && held->count >= kSlopeLeast) {
      row.set_held_bytes((held->resident_bytes - first.resident_bytes) /
                         (held->count - first.count));
    }
    if (held->count < wanted) break;
  }
  row.set_held_all(row.held_count() >= spec_.max_clients);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ModeTableRun::Hold(const Server& server,
                                                                 int64_t connections) {
  // Nobody waits until it has finished what it holds.
  return ChildProcess::Start(
      spec_.client_binary,
      {"load", server.target, "--hold", std::to_string(connections), "--for", "10m"},
      nanoseconds(0));
}

absl::StatusOr<ModeTableRun::Held> ModeTableRun::AwaitHeld(const Server& server, int64_t wanted) {
  Held most;
  auto grown = Clock::now();
  while (true) {
    const absl::StatusOr<v1::Stats> stats = Stats(server);
    if (!stats.ok()) return stats.status();
    const int64_t held = HeldOf(*stats);
    if (held > most.count) {
      most = {.count = held, .resident_bytes = stats->process().resident_bytes()};
      grown = Clock::now();
    }
    if (held >= wanted || Clock::now() - grown > kNoMoreHeld) return most;
    if (context_.interrupts().WaitFor(kHeldPoll)) return absl::CancelledError("interrupted");
  }
}

absl::Status ModeTableRun::MeasureServed(v1::ModeTableRow& row) {
  const absl::StatusOr<Server> server = StartServer(row, {});
  if (!server.ok()) return server.status();
  report::ServedSearch search(spec_.max_clients);
  while (search.next() > 0) {
    const int64_t clients = search.next();
    Draw(row, absl::StrFormat("does it serve %s at once?", report::Count(clients)));
    const absl::StatusOr<v1::Stats> before = Stats(*server);
    if (!before.ok()) return before.status();
    const absl::StatusOr<v1::LoadRun> run = Probe(*server, clients);
    if (absl::IsFailedPrecondition(run.status())) {
      row.set_unavailable_reason(std::string(run.status().message()));
      search.Limit(search.served());
      continue;
    }
    if (!run.ok()) return run.status();
    const absl::StatusOr<v1::Stats> after = Stats(*server);
    if (!after.ok()) return after.status();
    const bool served = report::AllServed(*run);
    if (served && clients <= kCpuClients) {
      row.set_cpu_us(CpuUs(StatsOf(*before, row.mode()), StatsOf(*after, row.mode())));
      row.set_cpu_client_count(clients);
    }
    search.Tell(served);
  }
  row.set_served_count(search.served());
  row.set_served_all(search.served() > 0 && search.all());
  return MeasureOverload(*server, row);
}

absl::Status ModeTableRun::MeasureOverload(const Server& server, v1::ModeTableRow& row) {
  const int64_t clients = std::min(row.served_count() * 2, kMostClients);
  if (clients == 0) return absl::OkStatus();
  Draw(row, absl::StrFormat("what fails with %s at once?", report::Count(clients)));
  const absl::StatusOr<v1::LoadRun> run = Probe(server, clients);
  if (absl::IsFailedPrecondition(run.status())) {
    row.set_unavailable_reason(std::string(run.status().message()));
    return absl::OkStatus();
  }
  if (!run.ok()) return run.status();
  row.set_overload_client_count(clients);
  row.set_overload_started_count(run->started_count());
  row.set_overload_failed_count(run->failed_count() + run->in_flight_count());
  return absl::OkStatus();
}

absl::StatusOr<v1::LoadRun> ModeTableRun::Probe(const Server& server, int64_t clients) {
  absl::StatusOr<std::unique_ptr<ChildProcess>> process = ChildProcess::Start(
      spec_.client_binary, {"load", server.target, "--concurrency", std::to_string(clients),
                            "--duration", text::FormatDuration(spec_.probe), "-o", "json"});
  if (!process.ok()) return process.status();
  const absl::StatusOr<ChildProcess::Result> result =
      (*process)->Finish(spec_.probe + kProbeSlack, context_.interrupts());
  if (!result.ok()) return result.status();
  if (result->exit_code == kExitUsage) return absl::FailedPreconditionError(result->last_words);
  v1::LoadRun run;
  if (!google::protobuf::util::JsonStringToMessage(result->out, &run).ok()) {
    return absl::InternalError(absl::StrFormat("%s ended with code %d: %s", spec_.client_binary,
                                               result->exit_code, result->last_words));
  }
  return run;
}

absl::StatusOr<v1::Stats> ModeTableRun::Stats(const Server& server) {
  v1::Stats stats;
  const grpc::Status status = context_.Call(
      [&](grpc::ClientContext& call) { return server.stub->GetStats(&call, {}, &stats); });
  if (context_.interrupts().happened()) return absl::CancelledError("interrupted");
  if (!status.ok()) {
    return absl::InternalError("the server it started does not answer: " + status.error_message());
  }
  return stats;
}

void ModeTableRun::Draw(const v1::ModeTableRow& row, std::string_view what) {
  live_.Draw(report::ModeTableProgress(table_, static_cast<int64_t>(spec_.modes.size()), row.name(),
                                       what));
}

}  // namespace handshake::ctl

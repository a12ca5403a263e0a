// handshakectl compare
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/net/address.h"
#include "control/ctl/child_process.h"
#include "control/ctl/commands.h"
#include "control/ctl/comparison.h"
#include "control/ctl/mode_table.h"
#include "control/report/compare_report.h"
#include "control/report/mode_table_report.h"
#include "control/report/names.h"
#include "control/rpc/channel.h"
#include "control/rpc/limits.h"

namespace handshake::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr int64_t kMostRounds = 1'000;
// A snapshot of the server or of a run is up to 100 ms old: a shorter settle time would be
// measured.
constexpr milliseconds kShortestPart{200};
constexpr seconds kAgentTimeout{10};
constexpr seconds kLongestProbe{60};

constexpr int64_t kMostClients = 10'000;  // twice as many is what a client process takes

struct CompareFlags {
  bool table = false;
  ModeTableSpec table_spec;
  ComparisonSpec spec;
  double rate = 0;
  int64_t concurrency = 0;
  std::string agent;
};

// A running agent: the one that was named, or our own, which lives as long as this.
struct Agent {
  std::unique_ptr<ChildProcess> process;
  std::string endpoint;
  std::shared_ptr<grpc::Channel> channel;
};

// For `target`, wherever that is.
absl::StatusOr<std::string> StartAgent(const std::string& target, Agent& agent) {
  const std::string binary = BesideThisBinary("handshake-client");
  std::vector<std::string> words = {"agent", "--control", "127.0.0.1:0"};
  const absl::StatusOr<net::Address> address = net::Address::Parse(target);
  if (address.ok() && !address->IsLoopback()) {
    words.insert(words.end(), {"--allow-load", address->ToString()});
  }
  absl::StatusOr<std::unique_ptr<ChildProcess>> process = ChildProcess::Start(binary, words);
  if (!process.ok()) return process.status();
  agent.process = *std::move(process);
  absl::StatusOr<std::string> endpoint = agent.process->WaitForLine("control on ", kAgentTimeout);
  if (!endpoint.ok()) return endpoint;
  const absl::StatusOr<std::string> ready = agent.process->WaitForLine("ready", kAgentTimeout);
  return ready.ok() ? endpoint : ready.status();
}

absl::StatusOr<Agent> FindAgent(const std::string& named, const std::string& target) {
  Agent agent;
  agent.endpoint = named;
  if (named.empty()) {
    absl::StatusOr<std::string> endpoint = StartAgent(target, agent);
    if (!endpoint.ok()) {
      return absl::UnavailableError(
          absl::StrFormat("no load agent: %s; start one, and name it with --agent",
                          std::string(endpoint.status().message())));
    }
    agent.endpoint = *std::move(endpoint);
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = control::MakeChannel(agent.endpoint);
  if (!channel.ok()) return channel.status();
  agent.channel = *std::move(channel);
  return agent;
}

int Compare(Context& context, const CompareFlags& flags) {
  v1::Server server;
  const auto stub = v1::ServerService::NewStub(context.channel());
  const grpc::Status asked =
      context.Call([&](grpc::ClientContext& call) { return stub->GetServer(&call, {}, &server); });
  if (!asked.ok()) return context.Explain(asked);
  const absl::StatusOr<Agent> agent = FindAgent(flags.agent, TargetOf(server));
  if (!agent.ok()) {
    context.Complain(std::string(agent.status().message()));
    return flags.agent.empty() ? kExitUnreachable : kExitUsage;
  }
  Comparison comparison(context, agent->channel, agent->endpoint, flags.spec);
  const std::optional<Stop> stop = comparison.Run();
  const std::optional<Stop> not_restored = comparison.Restore();
  v1::CompareReport& report = comparison.report();
  for (const std::optional<Stop>& why : {stop, not_restored}) {
    if (why && why->exit_code != kExitInterrupted) context.Complain(why->reason);
  }
  if (stop && report.done_round_count() == 0) return stop->exit_code;
  report::Summarize(report);
  int code = stop ? stop->exit_code : report::CompareExitCode(report);
  if (!stop && not_restored) code = not_restored->exit_code;
  return context.Show(report, report::ComparePage(report, context.style()), code);
}

bool HeldOrServedAny(const v1::ModeTable& table) {
  return std::any_of(table.rows().begin(), table.rows().end(), [](const v1::ModeTableRow& row) {
    return row.held_count() > 0 || row.served_count() > 0;
  });
}

int ShowTable(Context& context, const CompareFlags& flags) {
  ModeTableSpec spec = flags.table_spec;
  spec.modes = flags.spec.modes;
  if (spec.modes.empty()) {
    for (const std::string& name : report::ModeNames()) {
      spec.modes.push_back(*report::ModeByName(name));
    }
  }
  if (spec.server_binary.empty()) spec.server_binary = BesideThisBinary("handshake-server");
  spec.client_binary = BesideThisBinary("handshake-client");
  ModeTableRun run(context, spec);
  const absl::Status status = run.Run();
  const bool interrupted = context.interrupts().happened();
  if (!status.ok() && !interrupted) context.Complain(std::string(status.message()));
  int code = interrupted ? kExitInterrupted : kExitOk;
  if (!status.ok() && !interrupted) code = absl::IsNotFound(status) ? kExitUsage : kExitBadOutcome;
  if (code == kExitOk && !HeldOrServedAny(run.table())) code = kExitBadOutcome;
  if (run.table().rows().empty()) return code;
  return context.Show(run.table(), report::ModeTablePage(run.table(), context.style()), code);
}

v1::Mode ParseMode(const std::string& flag, const std::string& name) {
  if (const std::optional<v1::Mode> mode = report::ModeByName(name)) return *mode;
  throw CLI::ValidationError(flag, absl::StrFormat("no mode '%s'; there are all, %s", name,
                                                   absl::StrJoin(report::ModeNames(), ", ")));
}

// Throws what is wrong with the flags; fills in the spec.
void Check(const std::vector<std::string>& modes, CompareFlags& flags) {
  ComparisonSpec& spec = flags.spec;
  if (modes != std::vector<std::string>{"all"}) {
    for (const std::string& name : modes) spec.modes.push_back(ParseMode("--modes", name));
    if (spec.modes.size() == 1 && !flags.table) {
      throw CLI::ValidationError("--modes", "give two at least; the same one twice is fine");
    }
  }
  if (flags.table) {
    if (flags.table_spec.probe < kShortestPart || flags.table_spec.probe > kLongestProbe) {
      throw CLI::ValidationError("--probe-time", "200ms to 1m");
    }
    return;
  }
  if (spec.baseline && !spec.modes.empty() &&
      std::find(spec.modes.begin(), spec.modes.end(), *spec.baseline) == spec.modes.end()) {
    throw CLI::ValidationError("--baseline", "it is not one of --modes");
  }
  if (flags.rate == 0 && flags.concurrency == 0) {
    throw CLI::ValidationError("compare", "one of --rate and --concurrency is required");
  }
  spec.load.set_rate_per_second(flags.rate);
  spec.load.set_concurrency(flags.concurrency);
  for (const auto& [flag, time] :
       {std::pair("--block-time", spec.block), std::pair("--settle", spec.settle)}) {
    if (time < kShortestPart) throw CLI::ValidationError(flag, "200ms at least");
  }
  const size_t blocks = spec.modes.empty() ? report::ModeNames().size() : spec.modes.size();
  const nanoseconds round = (spec.block + spec.settle) * static_cast<int64_t>(blocks);
  if (round > control::kMaxLoadDuration - kRoundSlack) {
    throw CLI::ValidationError(
        "compare", absl::StrFormat("a round of %d blocks takes longer than the %d s that a load "
                                   "run may: shorten --block-time, or name fewer --modes",
                                   blocks, (control::kMaxLoadDuration - kRoundSlack).count()));
  }
}

void AddComparisonFlags(CLI::App& compare, CompareFlags& flags) {
  CLI::Option* rate =
      compare
          .add_option("--rate", flags.rate, "Open loop: handshakes begun a second, at most 5000")
          ->check(CLI::PositiveNumber)
          ->type_name("N");
  compare.add_option("--concurrency", flags.concurrency, "Closed loop: clients at once, to 2000")
      ->check(report::FromOne())
      ->type_name("N")
      ->excludes(rate);
  compare.add_option("--blocks", flags.spec.rounds, "Blocks a mode, 1 to 1000; intervals need 8")
      ->check(CLI::Range(int64_t{1}, kMostRounds))
      ->type_name("N")
      ->capture_default_str();
  report::AddDuration(compare, "--block-time", &flags.spec.block, "Measured in each block");
  report::AddDuration(compare, "--settle", &flags.spec.settle, "Left out after each switch");
  compare
      .add_option_function<std::string>(
          "--baseline",
          [&flags](const std::string& name) {
            flags.spec.baseline = ParseMode("--baseline", name);
          },
          "Hold the others against it [the mode in force, else the\nfirst]")
      ->type_name("MODE");
  compare.add_option("--seed", flags.spec.seed, "Of the order of the blocks, and of the load")
      ->type_name("N")
      ->capture_default_str();
  compare.add_option("--agent", flags.agent, "Load from this agent; default: one of our own")
      ->type_name("ADDRESS");
}

void AddTableFlags(CLI::App& compare, CompareFlags& flags) {
  CLI::Option* table = compare.add_flag("--table", flags.table,
                                        "Instead: what each mode can bear, in a fresh server each");
  for (const char* other : {"--rate", "--concurrency", "--blocks", "--block-time", "--settle",
                            "--baseline", "--seed", "--agent"}) {
    table->excludes(compare.get_option(other));
  }
  compare
      .add_option("--max-clients", flags.table_spec.max_clients,
                  "With --table: try no more, 1 to 10000")
      ->check(CLI::Range(int64_t{1}, kMostClients))
      ->needs(table)
      ->type_name("N")
      ->capture_default_str();
  report::AddDuration(compare, "--probe-time", &flags.table_spec.probe,
                      "With --table: of each closed loop")
      ->needs(table);
  compare
      .add_option("--server", flags.table_spec.server_binary,
                  "With --table: start this one; default: the one\nbeside handshakectl")
      ->needs(table)
      ->type_name("PATH");
}

}  // namespace

void AddCompare(CLI::App& app, Context& context) {
  const auto flags = std::make_shared<CompareFlags>();
  const auto modes = std::make_shared<std::vector<std::string>>(1, "all");
  CLI::App* compare = app.add_subcommand("compare", "Which mode is better, and is it real?");
  compare->fallthrough();
  compare->add_option("--modes", *modes, "all, or names with commas between")
      ->delimiter(',')
      ->type_name("MODES")
      ->default_str("all");
  AddComparisonFlags(*compare, *flags);
  AddTableFlags(*compare, *flags);
  compare->footer(
      "Holds one load against the live server and switches it, in rounds that visit\n"
      "each mode once in random order: switch, settle, measure a block. Shows per mode\n"
      "medians with their 99 % intervals, and what of the difference to the baseline\n"
      "is real. The mode in force at the start is in force again at the end, after\n"
      "Ctrl-C too; a second Ctrl-C leaves the mode as it is. A switch by somebody else\n"
      "ends the comparison, and stands.\n\n"
      "The load comes from a process of its own, started for it, or from --agent.\n"
      "To see what your machine calls equal, compare a mode with itself.\n\n"
      "--table needs no server: it starts one for each mode, on loopback, and shows how\n"
      "many connections it holds in mid-handshake and how many clients it serves without\n"
      "a failure, what they cost, and what fails at twice as many. About 30 s a mode; all\n"
      "it has started ends with it.\n\n"
      "Exit codes: 0 ok, 1 a handshake failed, or no mode of --table held or served any,\n"
      "3 the server or agent is gone, 4 refused or somebody else switched, 6 the load\n"
      "generator was the limit (open loop, half of the rounds), 130 interrupted: what\n"
      "was measured is shown.\n\n"
      "Examples:\n"
      "  handshakectl compare --rate 2000\n"
      "  handshakectl compare --modes epoll,io-uring --concurrency 64 --blocks 16\n"
      "  handshakectl compare --modes epoll,epoll --rate 1000\n"
      "  handshakectl compare --rate 2000 -o json | jq '.modes[] | {name, p99}'\n"
      "  handshakectl compare --table --modes sequential,epoll --max-clients 2000");
  compare->callback([&context, flags, modes] {
    Check(*modes, *flags);
    context.command = [&context, flags] {
      return flags->table ? ShowTable(context, *flags) : Compare(context, *flags);
    };
  });
}

}  // namespace handshake::ctl

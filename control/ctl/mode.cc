// handshakectl mode list|get|set|history|show
#include <algorithm>
#include <memory>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "control/ctl/commands.h"
#include "control/report/names.h"
#include "control/report/server_report.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPollInterval{50};

struct SetFlags {
  v1::Mode mode = v1::MODE_UNSPECIFIED;
  int64_t expected_generation = 0;
  nanoseconds drain_timeout = std::chrono::seconds(1);
  std::string request_id;
  int64_t workers = 0;
  bool dry_run = false;
  bool wait = false;
};

struct HistoryFlags {
  int32_t limit = 50;
};

int ListModes(Context& context) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::ListModesResponse modes;
  const grpc::Status status =
      context.Call([&](grpc::ClientContext& call) { return stub->ListModes(&call, {}, &modes); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(modes, report::ModesTable(modes, context.style()));
}

int GetMode(Context& context) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::Server server;
  const grpc::Status status =
      context.Call([&](grpc::ClientContext& call) { return stub->GetServer(&call, {}, &server); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(server,
                      absl::StrFormat("%s (generation %d)\n",
                                      report::ModeWithWorkers(server.mode(), server.worker_count()),
                                      server.generation()));
}

grpc::Status GetSwitch(Context& context, int64_t id, v1::ModeSwitch* change) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::GetModeSwitchRequest request;
  request.set_id(id);
  return context.Call(
      [&](grpc::ClientContext& call) { return stub->GetModeSwitch(&call, request, change); });
}

// Until the old mode is gone: the drain timeout, and --timeout for the rest.
int WaitForDrain(Context& context, const SetFlags& flags, v1::ModeSwitch change) {
  const auto end = steady_clock::now() + flags.drain_timeout + context.timeout();
  const int64_t id = change.id();
  while (change.state() == v1::ModeSwitch::STATE_DRAINING) {
    if (steady_clock::now() >= end) {
      context.Complain(
          absl::StrFormat("switch %d still drains; look again: handshakectl mode show %d", id, id));
      return kExitBadOutcome;
    }
    if (context.interrupts().WaitFor(kPollInterval)) return kExitInterrupted;
    const grpc::Status status = GetSwitch(context, id, &change);
    if (!status.ok()) return context.Explain(status);
  }
  const bool real = change.id() > 0;
  const report::Style style = context.style();
  return context.Show(change,
                      real ? report::SwitchPage(change, style) : report::SwitchLine(change, style),
                      change.lost_count() == 0 ? kExitOk : kExitBadOutcome);
}

int SetMode(Context& context, const SetFlags& flags) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::SwitchModeRequest request;
  request.set_mode(flags.mode);
  request.set_expected_generation(flags.expected_generation);
  *request.mutable_drain_timeout() = ToProto(flags.drain_timeout);
  request.set_request_id(flags.request_id);
  request.set_dry_run(flags.dry_run);
  request.set_worker_count(flags.workers);
  v1::ModeSwitch change;
  const grpc::Status status = context.Call(
      [&](grpc::ClientContext& call) { return stub->SwitchMode(&call, request, &change); });
  if (!status.ok()) return context.Explain(status);
  if (flags.wait) return WaitForDrain(context, flags, std::move(change));
  return context.Show(change, report::SwitchLine(change, context.style()));
}

int ShowHistory(Context& context, const HistoryFlags& flags) {
  const auto stub = v1::ServerService::NewStub(context.channel());
  v1::ListModeSwitchesRequest request;
  request.set_page_size(flags.limit);
  v1::ListModeSwitchesResponse switches;
  const grpc::Status status = context.Call(
      [&](grpc::ClientContext& call) { return stub->ListModeSwitches(&call, request, &switches); });
  if (!status.ok()) return context.Explain(status);
  return context.Show(switches, report::SwitchesTable(switches, context.style()));
}

int ShowSwitch(Context& context, int64_t id) {
  v1::ModeSwitch change;
  const grpc::Status status = GetSwitch(context, id, &change);
  if (!status.ok()) return context.Explain(status);
  return context.Show(change, report::SwitchPage(change, context.style()));
}

v1::Mode ParseMode(const std::string& name) {
  if (const std::optional<v1::Mode> mode = report::ModeByName(name)) return *mode;
  throw CLI::ValidationError("MODE", absl::StrFormat("no mode '%s'; there are %s", name,
                                                     absl::StrJoin(report::ModeNames(), ", ")));
}

void AddSet(CLI::App& mode, Context& context) {
  const auto flags = std::make_shared<SetFlags>();
  CLI::App* set = mode.add_subcommand("set", "Switch the live server to another mode");
  set->fallthrough();
  set->add_option_function<std::string>(
         "MODE", [flags](const std::string& name) { flags->mode = ParseMode(name); },
         "To this one, see below")
      ->required()
      ->type_name("");
  set->add_option("--workers", flags->workers,
                  "Threads of an event mode, 1 to the server's CPUs; if not said, the\n"
                  "mode in force keeps its number, another has the server's --workers")
      ->check(report::FromOne())
      ->type_name("N");
  set->add_option("--expected-generation", flags->expected_generation,
                  "Refuse unless this generation is in force (see mode get)")
      ->check(report::FromOne())
      ->type_name("N");
  report::AddDuration(*set, "--drain-timeout", &flags->drain_timeout,
                      "How long the old mode serves on what it has, 0 to 1m");
  set->add_option("--request-id", flags->request_id,
                  "To repeat safely: the same id switches only once")
      ->type_name("ID");
  set->add_flag("--dry-run", flags->dry_run, "Check and prepare everything, change nothing");
  set->add_flag("--wait", flags->wait, "Wait until the old mode is gone and show what came of it");
  set->footer(
      absl::StrFormat("Modes: %s.\n\n", absl::StrJoin(report::ModeNames(), ", ")) +
      "Answers when the old mode takes no more connections, usually within 10 ms. No handshake\n"
      "that keeps its deadlines is lost: what the old mode cannot finish in time is handed "
      "over.\n\n"
      "Examples:\n"
      "  handshakectl mode set epoll --workers 2\n"
      "  handshakectl mode set thread-pool --wait --drain-timeout 5s\n"
      "  handshakectl mode set sequential --expected-generation 3 --dry-run");
  set->callback([&context, flags] {
    context.command = [&context, flags] { return SetMode(context, *flags); };
  });
}

void AddHistory(CLI::App& mode, Context& context) {
  const auto flags = std::make_shared<HistoryFlags>();
  CLI::App* history = mode.add_subcommand("history", "The last switches, newest first");
  history->fallthrough();
  history->add_option("--limit", flags->limit, "At most this many, 1 to 1000")
      ->check(CLI::Range(1, 1'000))
      ->type_name("N")
      ->capture_default_str();
  history->footer(
      "SWITCH: request to the old mode's last accept. DRAIN: from then until it was empty.\n\n"
      "Examples:\n"
      "  handshakectl mode history --limit 10\n"
      "  handshakectl mode history -o json | jq '.modeSwitches[0]'");
  history->callback([&context, flags] {
    context.command = [&context, flags] { return ShowHistory(context, *flags); };
  });
}

void AddShow(CLI::App& mode, Context& context) {
  const auto id = std::make_shared<int64_t>(0);
  CLI::App* show = mode.add_subcommand("show", "One switch, with what came of its connections");
  show->fallthrough();
  show->add_option("ID", *id, "As in mode history")
      ->required()
      ->check(report::FromOne())
      ->type_name("");
  show->footer("Examples:\n  handshakectl mode show 3");
  show->callback(
      [&context, id] { context.command = [&context, id] { return ShowSwitch(context, *id); }; });
}

}  // namespace

void AddMode(CLI::App& app, Context& context) {
  CLI::App* mode = app.add_subcommand("mode", "See and switch the concurrency mode");
  mode->require_subcommand(1)->fallthrough();
  mode->footer(
      "Examples:\n"
      "  handshakectl mode list\n"
      "  handshakectl mode set epoll --wait\n"
      "  handshakectl mode history");

  CLI::App* list = mode->add_subcommand("list", "The modes, how each works, which can run here");
  list->fallthrough();
  list->footer("The mode in force has a '*'.\n\nExamples:\n  handshakectl mode list");
  list->callback([&context] { context.command = [&context] { return ListModes(context); }; });

  CLI::App* get = mode->add_subcommand("get", "The mode in force and its generation");
  get->fallthrough();
  get->footer("Examples:\n  handshakectl mode get\n  handshakectl mode get -o json | jq .mode");
  get->callback([&context] { context.command = [&context] { return GetMode(context); }; });

  AddSet(*mode, context);
  AddHistory(*mode, context);
  AddShow(*mode, context);
}

}  // namespace handshake::ctl

// handshake-client: one handshake or a talk by hand, a load run from this terminal, an agent that
// waits for load runs ordered over gRPC, or two reports side by side.
#include "client/commands.h"
#include "common/text/version.h"
#include "control/report/flags.h"
#include "control/report/interrupts.h"
#include "control/report/terminal.h"

namespace handshake::client {

CLI::Option* AddAllowLoad(CLI::App& app, std::vector<std::string>* ranges) {
  return app
      .add_option("--allow-load", *ranges, "Targets beside loopback: CIDR:PORT, see below; repeats")
      ->type_name("RANGE");
}

TargetList TargetsOf(const std::vector<std::string>& ranges) {
  TargetList targets;
  for (const std::string& range : ranges) {
    const absl::Status status = targets.Allow(range);
    if (!status.ok()) throw CLI::ValidationError("--allow-load", std::string(status.message()));
  }
  return targets;
}

void Complain(std::string_view text) { report::PrintError("handshake-client", text); }

int ShowReport(std::string_view text, int code) {
  if (report::Print(text) != report::PrintResult::kFailed) return code;
  Complain("cannot write the report");
  return report::kExitBadOutcome;
}

}  // namespace handshake::client

int main(int argc, char** argv) {
  using namespace handshake;
  report::Interrupts interrupts;
  client::Command command;

  CLI::App app("Asks a handshake server: once, many times, or on order.", "handshake-client");
  report::UseHelpStyle(app);
  app.set_version_flag("--version", "handshake-client " + std::string(text::Version()),
                       "Show the version");
  app.require_subcommand(1);
  client::AddConnect(app, &command);
  client::AddLines(app, &command);
  client::AddCommand(app, &command);
  client::AddLoad(app, &command);
  client::AddAgent(app, &command);
  client::AddReport(app, &command);
  app.footer(
      "Exit codes:\n"
      "  0    ok\n"
      "  1    a handshake failed, a talk was cut, or a search was undecided\n"
      "  2    the command line or the input is wrong, or this machine cannot do what it asks for\n"
      "  3    the server cannot be reached\n"
      "  4    the server answered ERROR\n"
      "  5    a condition of a load run held (--fail-if, --stop-if), or none could be met "
      "(--find-max)\n"
      "  6    the load generator could not keep the rate it was asked for\n"
      "  130  interrupted\n\n"
      "Examples:\n"
      "  handshake-client connect 127.0.0.1:7000\n"
      "  handshake-client lines 127.0.0.1:7010 < lines.txt\n"
      "  handshake-client command 127.0.0.1:7020 STATS\n"
      "  handshake-client load 127.0.0.1:7000 --concurrency 100 --duration 10s\n"
      "  handshake-client agent --control 127.0.0.1:7002\n"
      "  handshake-client report diff before.json after.json");

  if (const std::optional<int> code = report::Parse(app, argc, argv)) return *code;
  return command(interrupts);
}

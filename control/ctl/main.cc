// handshakectl: the operator's command line, a client of the gRPC API and nothing else.
#include "common/log/log.h"
#include "common/text/version.h"
#include "control/ctl/commands.h"
#include "control/ctl/context.h"
#include "control/report/flags.h"
#include "control/report/interrupts.h"

int main(int argc, char** argv) {
  using namespace handshake;
  report::Interrupts interrupts;
  ctl::Context context(interrupts);
  // What a person must know is said by the command itself; gRPC's own lines are noise.
  if (!log::SetUp({.level = "off"}).ok()) return ctl::kExitUsage;

  CLI::App app("Operates a handshake server: see it, switch its mode, load it.", "handshakectl");
  report::UseHelpStyle(app);
  app.set_version_flag("--version", "handshakectl " + std::string(text::Version()),
                       "Show the version");
  app.require_subcommand(1);
  context.AddFlags(app);
  ctl::AddStatus(app, context);
  ctl::AddStats(app, context);
  ctl::AddListeners(app, context);
  ctl::AddMode(app, context);
  ctl::AddLoad(app, context);
  ctl::AddCompare(app, context);
  app.footer(
      "The flags above go before or after the command. In JSON, 64-bit integers are strings.\n\n"
      "Exit codes:\n"
      "  0    ok\n"
      "  1    done, but the outcome is bad: a handshake of a load run failed, a switch drains on\n"
      "  2    the command line is wrong\n"
      "  3    the server cannot be reached, or does not answer in time\n"
      "  4    the server refused: ABORTED, FAILED_PRECONDITION, PERMISSION_DENIED, NOT_FOUND, ...\n"
      "  5    a condition of a load run held (--fail-if, --stop-if)\n"
      "  6    the load generator could not keep the rate it was asked for\n"
      "  130  interrupted\n\n"
      "Examples:\n"
      "  handshakectl status\n"
      "  handshakectl stats --watch\n"
      "  handshakectl mode set epoll --wait\n"
      "  handshakectl load start 127.0.0.1:7000 --concurrency 100 --duration 10s\n"
      "  handshakectl compare --modes all --rate 2000\n"
      "  HANDSHAKE_ENDPOINT=127.0.0.1:9001 handshakectl mode list");

  if (const std::optional<int> code = report::Parse(app, argc, argv)) return *code;
  if (const absl::Status status = context.Connect(); !status.ok()) {
    context.Complain("--endpoint: " + std::string(status.message()));
    return ctl::kExitUsage;
  }
  return context.command();
}

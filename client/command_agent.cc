// handshake-client agent: waits for load runs ordered over gRPC.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client/commands.h"
#include "common/log/log.h"
#include "control/report/flags.h"
#include "control/report/terminal.h"
#include "control/services/agent.h"

namespace handshake::client {
namespace {

constexpr std::chrono::seconds kStopDeadline{2};

int RunAgent(const std::string& control, const TargetList& targets,
             report::Interrupts& interrupts) {
  if (const absl::Status status = log::SetUp({}); !status.ok()) {
    Complain(std::string(status.message()));
    return report::kExitUsage;
  }
  const absl::StatusOr<net::Address> address = net::Address::Parse(control);
  if (!address.ok()) {
    Complain("--control: " + std::string(address.status().message()));
    return report::kExitUsage;
  }
  const absl::StatusOr<std::unique_ptr<control::Agent>> agent =
      control::Agent::Start({.control = *address, .targets = targets});
  if (!agent.ok()) {
    Complain(std::string(agent.status().message()));
    return report::kExitUsage;
  }
  // Whoever started the agent may have left; it serves all the same.
  (void)report::Print("control on " + (*agent)->control_address().ToString() + "\nready\n");
  interrupts.Wait();
  (*agent)->Stop(kStopDeadline);
  return report::kExitOk;
}

}  // namespace

void AddAgent(CLI::App& app, Command* command) {
  const auto control = std::make_shared<std::string>("127.0.0.1:7002");
  CLI::App* agent = app.add_subcommand("agent", "Serve load runs ordered over gRPC");
  agent->add_option("--control", *control, "Loopback HOST:PORT; port 0: free")
      ->envname("HANDSHAKE_AGENT_CONTROL")
      ->type_name("ADDRESS")
      ->capture_default_str();
  const auto ranges = std::make_shared<std::vector<std::string>>();
  AddAllowLoad(*agent, ranges.get());
  agent->footer(
      "Prints `control on HOST:PORT` and `ready`. Runs until SIGTERM or Ctrl-C, which cancels the\n"
      "runs; a second one ends it at once. Load goes to loopback addresses, and to what\n"
      "--allow-load names: 10.0.0.0/8:7000, [2001:db8::/32]:7000-7010, 192.0.2.1:*. The caps\n"
      "of the service hold: 2,000 connections and 5,000/s over all runs, 24h a run.\n\n"
      "Examples:\n"
      "  handshake-client agent --control 127.0.0.1:7002\n"
      "  handshakectl --endpoint 127.0.0.1:7002 load start 127.0.0.1:7000 --count 1000");
  agent->callback([control, ranges, command] {
    *command = [control, targets = TargetsOf(*ranges)](report::Interrupts& interrupts) {
      return RunAgent(*control, targets, interrupts);
    };
  });
}

}  // namespace handshake::client

// handshake-client connect: one handshake by hand.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "client/commands.h"
#include "client/connect.h"
#include "common/wire/message.h"
#include "control/report/flags.h"
#include "control/report/humane.h"
#include "control/report/terminal.h"

namespace handshake::client {
namespace {

using std::chrono::nanoseconds;

struct ConnectFlags {
  std::string target;
  int64_t sequence = 1;
  std::string framing = "line";
  nanoseconds timeout = wire::kStepTimeout;
};

void PrintEvent(const ConnectEvent& event) {
  const double us = std::chrono::duration<double, std::micro>(event.at).count();
  // A reader that left misses the rest; the exit code still tells.
  (void)report::Print(absl::StrFormat("%9s  %s\n", report::SpanUs(us), event.text));
}

int ExitCodeOf(wire::Verdict verdict) {
  switch (verdict) {
    case wire::Verdict::kOk:
      return report::kExitOk;
    case wire::Verdict::kConnectRefused:
    case wire::Verdict::kConnectTimeout:
    case wire::Verdict::kUnreachable:
      return report::kExitUnreachable;
    default:
      return report::kExitBadOutcome;
  }
}

int RunConnect(const ConnectFlags& flags, report::Interrupts& interrupts) {
  const absl::StatusOr<net::Address> target = net::Address::Parse(flags.target);
  if (!target.ok()) {
    Complain(std::string(target.status().message()));
    return report::kExitUsage;
  }
  ConnectOptions options;
  options.target = *target;
  options.sequence = flags.sequence;
  options.connect_timeout = flags.timeout;
  options.handshake.framing = flags.framing == "bare" ? wire::Framing::kBare : wire::Framing::kLine;
  options.handshake.step_timeout = flags.timeout;
  options.handshake.handshake_timeout = std::min<nanoseconds>(2 * flags.timeout, wire::kMaxTimeout);
  // Nothing is buffered and nothing needs tidying: an interrupt ends the process.
  const report::Interrupts::Action leave(interrupts, [] { _exit(report::kExitInterrupted); });
  return ExitCodeOf(Connect(options, PrintEvent));
}

}  // namespace

void CheckTimeout(nanoseconds timeout) {
  if (timeout < std::chrono::milliseconds(1) || timeout > wire::kMaxTimeout / 2) {
    throw CLI::ValidationError("--timeout", "from 1ms to 30m");
  }
}

void AddConnect(CLI::App& app, Command* command) {
  const auto flags = std::make_shared<ConnectFlags>();
  CLI::App* connect = app.add_subcommand("connect", "Do one handshake, print each message");
  connect->add_option("TARGET", flags->target, "Data address of the server, HOST:PORT")
      ->required()
      ->type_name("");
  connect->add_option("--sequence", flags->sequence, "X of HELLO X, at most 2^63-3")
      ->type_name("X")
      ->capture_default_str();
  connect->add_option("--framing", flags->framing, "line (LF ends a message) or bare")
      ->check(CLI::IsMember({"line", "bare"}))
      ->type_name("FRAMING")
      ->capture_default_str();
  report::AddDuration(*connect, "--timeout", &flags->timeout,
                      "For connecting and for each step, 1ms to 30m");
  connect->footer(
      "Exit codes: 0 ok, 1 the handshake failed, 2 wrong command line, 3 unreachable.\n\n"
      "Examples:\n"
      "  handshake-client connect 127.0.0.1:7000\n"
      "  handshake-client connect [::1]:7000 --sequence 100 --framing bare");
  connect->callback([flags, command] {
    if (flags->sequence > wire::kMaxSequence) {
      throw CLI::ValidationError("--sequence",
                                 absl::StrFormat("at most %d (2^63-3)", wire::kMaxSequence));
    }
    CheckTimeout(flags->timeout);
    *command = [flags](report::Interrupts& interrupts) { return RunConnect(*flags, interrupts); };
  });
}

}  // namespace handshake::client

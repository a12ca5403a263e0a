// What the talks of handshake-client have in common: flags, connecting, exit codes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "client/commands.h"
#include "client/dial.h"
#include "client/duplex.h"
#include "common/net/address.h"
#include "control/report/flags.h"

namespace handshake::client {
namespace {

int ExitCodeOf(TalkEnd::Kind kind) {
  switch (kind) {
    case TalkEnd::Kind::kDone:
      return report::kExitOk;
    case TalkEnd::Kind::kServerError:
      return kExitServerError;
    case TalkEnd::Kind::kBadInput:
      return report::kExitUsage;
    case TalkEnd::Kind::kCut:
      break;
  }
  return report::kExitBadOutcome;
}

// Says why there is no connection; returns the exit code.
int ExplainNoConnection(const net::Address& target, std::string_view protocol, int error) {
  const bool ours = VerdictOfConnectError(error) == wire::Verdict::kNoLocalResource;
  const std::string address = target.ToString();
  Complain(absl::StrFormat(
      "cannot connect to %s: %s; %s", address, std::strerror(error),
      ours ? "close other programs, or raise their limits"
           : absl::StrFormat("start: handshake-server --listen %s=%s", protocol, address)));
  return ours ? report::kExitUsage : report::kExitUnreachable;
}

// The options of a connection that a person or a script holds.
// - The server may be the first to speak, so it hears of the connection at once: dial.h lets the
// ACK
//   that tells it wait for our first bytes, for up to 200 ms.
// - A server that vanished without a word is noticed within a minute, though nobody speaks: soon
//   enough for a person, and too seldom to cost anything.
void SetTalkOptions(int fd) {
  const struct {
    int level, option, value;
  } kOptions[] = {{IPPROTO_TCP, TCP_QUICKACK, 1},
                  {SOL_SOCKET, SO_KEEPALIVE, 1},
                  {IPPROTO_TCP, TCP_KEEPIDLE, 30},   // seconds
                  {IPPROTO_TCP, TCP_KEEPINTVL, 10},  // seconds
                  {IPPROTO_TCP, TCP_KEEPCNT, 3}};
  for (const auto& option : kOptions) {
    setsockopt(fd, option.level, option.option, &option.value, sizeof(option.value));
  }
}

}  // namespace

void AddTalkFlags(CLI::App& app, TalkFlags* flags, const std::string& timeout) {
  app.add_option("TARGET", flags->target, "Address of the server's listener, HOST:PORT")
      ->required()
      ->type_name("");
  report::AddDuration(app, "--timeout", &flags->timeout, timeout + ", 1ms to 30m");
}

int RunTalk(const TalkFlags& flags, std::string_view protocol, const MakeTalk& make_talk,
            report::Interrupts& interrupts) {
  const absl::StatusOr<net::Address> target = net::Address::Parse(flags.target);
  if (!target.ok()) {
    Complain(std::string(target.status().message()));
    return report::kExitUsage;
  }
  // What was said is said, and nothing needs tidying: an interrupt ends the process.
  const report::Interrupts::Action leave(interrupts, [] { _exit(report::kExitInterrupted); });
  Dialled dialled =
      Establish(*target, std::chrono::steady_clock::now() + flags.timeout, /*stop=*/nullptr);
  if (!dialled.fd) return ExplainNoConnection(*target, protocol, dialled.error);
  SetTalkOptions(dialled.fd.get());
  const std::unique_ptr<Talk> talk = make_talk(target->ToString());
  const TalkEnd end = RunDuplex(*talk, STDIN_FILENO, STDOUT_FILENO, std::move(dialled.fd));
  if (!end.text.empty()) Complain(end.text);
  return ExitCodeOf(end.kind);
}

}  // namespace handshake::client

// handshake-client command: commands in, answers out; one from the command line, or those of the
// input.
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/commands.h"
#include "client/frame_talk.h"
#include "control/report/flags.h"

namespace handshake::client {
namespace {

struct CommandFlags {
  TalkFlags talk;
  std::vector<std::string> arguments;
  std::vector<std::string> headers;
};

int RunCommand(const CommandFlags& flags, report::Interrupts& interrupts) {
  FrameTalkOptions options = {.server = {}, .timeout = flags.talk.timeout, .message = {}};
  if (!flags.arguments.empty()) {
    absl::StatusOr<std::string> message = MakeFrame(flags.arguments, flags.headers);
    if (!message.ok()) {
      Complain(std::string(message.status().message()));
      return report::kExitUsage;
    }
    options.message = *std::move(message);
  } else {
    options.prompt = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  }
  const MakeTalk make_talk = [&options](const std::string& server) {
    options.server = server;
    return std::make_unique<FrameTalk>(options, Complain, std::chrono::steady_clock::now());
  };
  return RunTalk(flags.talk, "command", make_talk, interrupts);
}

}  // namespace

void AddCommand(CLI::App& app, Command* command) {
  const auto flags = std::make_shared<CommandFlags>();
  CLI::App* sub = app.add_subcommand("command", "Send commands, print the answers");
  AddTalkFlags(*sub, &flags->talk, "For connecting, the greeting and each answer");
  sub->add_option("ARGS", flags->arguments,
                  "The command; without it those of standard input, one a line")
      ->type_name("");
  sub->add_option("--header", flags->headers, "Header of the command, 'Name: value'; repeats")
      ->type_name("HEADER")
      ->allow_extra_args(false);
  sub->footer(
      "What the server answers behind OK is printed, then its headers, a line each; OK if that is\n"
      "none. What it answers with ERROR goes to stderr. A command with an argument such as -x "
      "goes\n"
      "behind '--'. On a terminal there is a prompt; quit, or Ctrl-D, ends it.\n\n"
      "Exit codes: 0 ok, 1 the connection was closed early, lost or silent, 2 wrong command line "
      "or\n"
      "line of the input, 3 unreachable, 4 an answer was ERROR, 130 interrupted.\n\n"
      "Examples:\n"
      "  handshake-client command 127.0.0.1:7020\n"
      "  handshake-client command 127.0.0.1:7020 ECHO hello --header 'Trace: 17'\n"
      "  handshake-client command 127.0.0.1:7020 -- ECHO -x\n"
      "  handshake-client command 127.0.0.1:7020 < commands.txt");
  sub->callback([flags, command] {
    CheckTimeout(flags->talk.timeout);
    if (flags->arguments.empty() && !flags->headers.empty()) {
      throw CLI::ValidationError("--header", "needs a command on the command line");
    }
    *command = [flags](report::Interrupts& interrupts) { return RunCommand(*flags, interrupts); };
  });
}

}  // namespace handshake::client

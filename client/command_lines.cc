// handshake-client lines: lines in, lines out.
#include <memory>

#include "client/commands.h"
#include "client/line_talk.h"

namespace handshake::client {

void AddLines(CLI::App& app, Command* command) {
  const auto flags = std::make_shared<TalkFlags>();
  CLI::App* lines = app.add_subcommand("lines", "Send lines of standard input, print the answers");
  AddTalkFlags(*lines, flags.get(),
               "For connecting, and for the server's silence behind the end of the input");
  lines->footer(
      "Ends with the input or a line 'exit', once the server has closed. Lines are UTF-8, at most\n"
      "8192 bytes. The server's PING is answered with PONG and not printed.\n\n"
      "Exit codes: 0 ok, 1 the connection was closed early, lost or silent, 2 wrong command line "
      "or\n"
      "line of the input, 3 unreachable, 4 the server ended with ERROR, 130 interrupted.\n\n"
      "Examples:\n"
      "  handshake-client lines 127.0.0.1:7010\n"
      "  handshake-client lines 127.0.0.1:7010 < lines.txt > answers.txt");
  lines->callback([flags, command] {
    CheckTimeout(flags->timeout);
    *command = [flags](report::Interrupts& interrupts) {
      return RunTalk(
          *flags, "lines",
          [&flags](const std::string& server) {
            return std::make_unique<LineTalk>(server, flags->timeout, Complain);
          },
          interrupts);
    };
  });
}

}  // namespace handshake::client

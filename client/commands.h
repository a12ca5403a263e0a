// The commands of handshake-client: with main.cc the composition root, compiled only into the
// binary, so that the load generator itself knows nothing of control.
#ifndef HANDSHAKE_CLIENT_COMMANDS_H_
#define HANDSHAKE_CLIENT_COMMANDS_H_

#include <functional>

#include "CLI/App.hpp"
#include "client/hold_run.h"
#include "control/report/interrupts.h"

namespace handshake::client {

// What the parsed command line asks for; returns the exit code.
using Command = std::function<int(report::Interrupts&)>;

// Each adds its command to `app`, and sets *command when the command line names it.
void AddConnect(CLI::App& app, Command* command);
void AddLoad(CLI::App& app, Command* command);
void AddAgent(CLI::App& app, Command* command);

// `load --hold`, its command line and target checked; returns the exit code.
int RunHold(const HoldSpec& spec, bool json, report::Interrupts& interrupts);

// "handshake-client: TEXT", one line on stderr.
void Complain(std::string_view text);
// Prints it to stdout and returns `code`; the code of a bad outcome if it cannot be written.
int ShowReport(std::string_view text, int code);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_COMMANDS_H_

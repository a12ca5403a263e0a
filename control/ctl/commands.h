// The commands of handshakectl, one file a noun. Each function adds its noun to `app`; when the
// command line names it, context.command is set.
#ifndef HANDSHAKE_CONTROL_CTL_COMMANDS_H_
#define HANDSHAKE_CONTROL_CTL_COMMANDS_H_

#include "CLI/App.hpp"
#include "control/ctl/context.h"

namespace handshake::ctl {

void AddStatus(CLI::App& app, Context& context);
void AddStats(CLI::App& app, Context& context);
void AddListeners(CLI::App& app, Context& context);
void AddMode(CLI::App& app, Context& context);
void AddLoad(CLI::App& app, Context& context);
void AddCompare(CLI::App& app, Context& context);

}  // namespace handshake::ctl

#endif  // HANDSHAKE_CONTROL_CTL_COMMANDS_H_

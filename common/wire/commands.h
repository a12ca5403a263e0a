// What a `command` listener can be asked: one table from name to handler. A new command is one row
// of kCommands and its handler, both in commands.cc.
#ifndef HANDSHAKE_COMMON_WIRE_COMMANDS_H_
#define HANDSHAKE_COMMON_WIRE_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/wire/conversation.h"

namespace handshake::wire {

// What MODE tells of the server.
struct HostMode {
  std::string_view name;
  int64_t generation = 0;
};

// What STATS tells: connections of all listeners and modes, since its start.
struct HostTotals {
  int64_t accepted = 0;
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t in_flight = 0;
};

// The server as a command sees it. Called by whoever serves, so it may not wait; any thread.
class CommandHost {
 public:
  virtual ~CommandHost() = default;
  virtual HostMode Mode() const = 0;
  virtual HostTotals Totals() const = 0;
};

struct CommandOptions : ConversationOptions {
  CommandOptions() { ping_interval = Duration::zero(); }
  const CommandHost* host = nullptr;     // borrowed, required
  std::string_view version = "unknown";  // for the greeting; must outlive all sessions
};

// What a conversation remembers from one command to the next.
struct CommandState {
  int64_t expected = 0;  // the number of the next HELLO
  bool greeted = false;  // is one expected?
};

// One call of a command. `arguments`: the rest of its line, UTF-8, without spaces at its ends.
struct CommandCall {
  std::string_view arguments;
  const CommandOptions& options;
  CommandState& state;
  Answer& answer;

  // Parts of an answer's frame: its first line, a header, the end. One line, then headers, then
  // nothing: whoever runs the command adds the end.
  void Ok(std::string_view text) const;
  void Header(std::string_view name, std::string_view value) const;
  void Header(std::string_view name, int64_t value) const;
  void Error(std::string_view code, std::string_view text) const;
};

enum class AfterCommand : uint8_t { kGoOn, kClose };

struct Command {
  std::string_view name;  // in capitals; peers may write it in any case
  std::string_view help;  // "ECHO ARGS: ..." is said as the header `ECHO: ...`
  AfterCommand (*run)(const CommandCall& call);
};

std::span<const Command> Commands();

// The command of this name; nullptr: there is none.
const Command* FindCommand(std::string_view name);

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_COMMANDS_H_

// The protocol `command`: framed commands. PROTOCOL.md describes it for peers, commands.h what can
// be asked.
#ifndef HANDSHAKE_COMMON_WIRE_COMMAND_DIALECT_H_
#define HANDSHAKE_COMMON_WIRE_COMMAND_DIALECT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/wire/commands.h"
#include "common/wire/conversation.h"
#include "common/wire/session.h"

namespace handshake::wire {

// Finds the end of a frame and what is wrong in it, line by line as they come: no byte is scanned
// twice, however the frame is cut.
class CommandFrame {
 public:
  enum class Fault : uint8_t {
    kNone,
    kEmptyCommand,
    kBareLineFeed,
    kNulByte,
    kNoColon,
    kNoName,
    kNotUtf8,
  };

  // `input` begins at the frame's first byte, at each call. Bytes of the frame, its empty line
  // included; 0: it is not complete.
  size_t Scan(std::string_view input);
  // Of the frame that was complete: its first fault and the line where it is, from 1.
  Fault fault() const { return fault_; }
  int fault_line() const { return fault_line_; }
  // The line that Scan() is in, from 1.
  int line() const { return line_; }
  // Bytes of the command line, without its end.
  size_t command_length() const { return command_length_; }

 private:
  void JudgeLine(std::string_view line);
  void Note(Fault fault);

  uint16_t scanned_ = 0;     // no LF between line_begin_ and here
  uint16_t line_begin_ = 0;  // of the line that is not complete
  uint16_t command_length_ = 0;
  uint16_t line_ = 1;
  uint16_t fault_line_ = 0;
  Fault fault_ = Fault::kNone;
};

class CommandDialect {
 public:
  using Options = CommandOptions;
  static constexpr std::string_view kName = "command";

  static void Greet(const CommandOptions& options, Answer& answer);
  Judged Judge(const CommandOptions& options, const Unjudged& unjudged, Answer& answer);
  static void Ping(Answer& /*answer*/) {}
  static void Fail(std::string_view code, std::string_view text, Answer& answer);

 private:
  AfterCommand Run(const CommandOptions& options, std::string_view command, Answer& answer);

  CommandFrame frame_;
  CommandState state_;
};

using CommandProtocol = ProtocolOf<Conversation<CommandDialect>>;

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_COMMAND_DIALECT_H_

// The protocol `lines`: line in, line out. PROTOCOL.md describes it for peers.
#ifndef HANDSHAKE_COMMON_WIRE_LINES_DIALECT_H_
#define HANDSHAKE_COMMON_WIRE_LINES_DIALECT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/wire/conversation.h"
#include "common/wire/session.h"

namespace handshake::wire {

// Takes lines instead of an echo. Called by whoever serves, so it may not wait; any thread.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void Take(std::string_view line) const = 0;  // without its end
};

struct LinesOptions : ConversationOptions {
  const LineSink* sink = nullptr;  // none: lines are echoed. Borrowed
};

class LinesDialect {
 public:
  using Options = LinesOptions;
  static constexpr std::string_view kName = "lines";

  static void Greet(const LinesOptions& /*options*/, Answer& /*answer*/) {}
  Judged Judge(const LinesOptions& options, const Unjudged& unjudged, Answer& answer);
  static void Ping(Answer& answer);
  static void Fail(std::string_view code, std::string_view text, Answer& answer);

 private:
  Judged JudgeLine(const LinesOptions& options, std::string_view line, std::string_view end,
                   bool pong_due, Answer& answer);

  uint32_t line_number_ = 1;
  uint16_t scanned_ = 0;  // bytes of a partial line that are known to have no LF
};

using LinesProtocol = ProtocolOf<Conversation<LinesDialect>>;

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_LINES_DIALECT_H_

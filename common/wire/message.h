// The text of one message: `HELLO <canonical decimal int64>`, without its terminator.
#ifndef HANDSHAKE_COMMON_WIRE_MESSAGE_H_
#define HANDSHAKE_COMMON_WIRE_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "common/wire/limits.h"
#include "common/wire/verdict.h"

namespace handshake::wire {

// Room for any message that FormatMessage writes.
inline constexpr size_t kMaxValidMessageBytes = 28;
// X+2 must be an int64 too.
inline constexpr int64_t kMaxSequence = std::numeric_limits<int64_t>::max() - 2;

struct ParsedMessage {
  Verdict verdict = Verdict::kMalformed;  // kOk, kMalformed or kOverflow
  int64_t number = 0;                     // set if kOk
};

// Judges a whole message. kOverflow: canonical, but not an int64.
ParsedMessage ParseMessage(std::string_view text);

// Could more bytes make `text` a message that ParseMessage accepts? True for "" and "HEL", and
// for a message that is complete but might go on ("HELLO 10"); false for "HELLO 007" and for
// INT64_MAX.
bool CanContinue(std::string_view text);

// Writes `HELLO <number><terminator>` and returns its length. The terminator is at most 2 bytes.
size_t FormatMessage(int64_t number, std::string_view terminator,
                     std::span<char, kMaxValidMessageBytes> out);

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_MESSAGE_H_

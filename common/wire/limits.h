// The bounds of the wire, each with its unit and reason. PROTOCOL.md states them for peers.
#ifndef HANDSHAKE_COMMON_WIRE_LIMITS_H_
#define HANDSHAKE_COMMON_WIRE_LIMITS_H_

#include <chrono>
#include <cstddef>

namespace handshake::wire {

// A message, terminator included: the read size of the widespread teaching implementations.
// The longest valid message has 28 bytes.
inline constexpr size_t kMaxMessageBytes = 64;

// A step, and all three steps, must be done within these; bytes never extend them.
inline constexpr std::chrono::milliseconds kStepTimeout{5'000};
inline constexpr std::chrono::milliseconds kHandshakeTimeout{10'000};

// How long a message that looks complete waits for its LF before `auto` takes it as bare: longer
// than a sender needs between two writes of one message, too short for a person to notice.
inline constexpr std::chrono::milliseconds kBareGrace{5};

// After an ERROR answer the server reads and drops what the peer still sends, so that the answer is
// not destroyed by a reset: at most 64 KiB (one less: the count has 16 bits), and not longer than
// this, sending the answer included.
inline constexpr size_t kDiscardBytes = 64 * 1024 - 1;
inline constexpr std::chrono::milliseconds kDiscardTimeout{100};

// The largest timeout that may be configured: durations are kept as 32-bit microseconds.
inline constexpr std::chrono::minutes kMaxTimeout{60};

// A message of the long-lived protocols, its end included: the longest line, or frame.
inline constexpr size_t kMostConversationBytes = 8 * 1024;
// An answer: an echo of the longest message, and what stands around it.
inline constexpr size_t kMostAnswerBytes = kMostConversationBytes + 64;

// How long a long-lived connection may be silent: as other servers' keep-alive, for a person who
// thinks. Where it is pinged instead: often enough for the tables of what lies between (NAT).
inline constexpr std::chrono::minutes kIdleTimeout{10};
inline constexpr std::chrono::seconds kPingInterval{60};
inline constexpr std::chrono::seconds kPingTimeout{10};
// From the first byte of a message to its last, and for an answer to be taken.
inline constexpr std::chrono::seconds kMessageTimeout{30};
inline constexpr std::chrono::seconds kWriteTimeout{10};

static_assert(kStepTimeout <= kHandshakeTimeout && kHandshakeTimeout <= kMaxTimeout);
static_assert(kBareGrace < kStepTimeout && kDiscardTimeout < kStepTimeout);

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_LIMITS_H_

// How a conversation ends, a handshake above all. One enum for both roles, used in statistics,
// logs, metrics and documents; PROTOCOL.md describes each value. The numbers are part of the
// operator's contract (proto/handshake/v1/types.proto repeats them): values are only ever added.
#ifndef HANDSHAKE_COMMON_WIRE_VERDICT_H_
#define HANDSHAKE_COMMON_WIRE_VERDICT_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace handshake::wire {

enum class Verdict : uint8_t {
  kNone = 0,  // not decided yet
  kOk = 1,    // all three messages, and (client) a clean FIN

  // The peer broke the protocol.
  kMalformed = 2,     // not `HELLO <canonical int64>`
  kOversize = 3,      // 64 bytes and no end of the message
  kOverflow = 4,      // a number outside int64, or X > INT64_MAX-2
  kMismatch = 5,      // well formed, but not the number the step requires
  kEarlyData = 6,     // message 3 arrived before X+1 was sent
  kTrailingData = 7,  // bytes already read behind the last message

  // A step or the whole handshake outlived its deadline. The step is the one it was in.
  kTimeoutStep1 = 8,   // HELLO X
  kTimeoutStep2 = 9,   // HELLO X+1
  kTimeoutStep3 = 10,  // HELLO X+2

  // The peer ended the stream (FIN) before the step was done.
  kPeerGoneStep1 = 11,
  kPeerGoneStep2 = 12,
  kPeerGoneStep3 = 13,

  // The connection broke (RST, or another socket error) before the step was done.
  kPeerResetStep1 = 14,
  kPeerResetStep2 = 15,
  kPeerResetStep3 = 16,

  // The server ended it for reasons of its own.
  kShed = 17,              // refused to keep the process within its limits
  kClosedByOperator = 18,  // an operator's command
  kClosedAtShutdown = 19,  // still open when the shutdown's drain timeout ended
  kInternalError = 20,     // the server failed

  // Known to a client only.
  kPeerError = 21,        // the server answered `ERROR <CODE> <text>`
  kUnconfirmed = 22,      // message 3 was sent and no clean FIN was read: neither ok nor lost
  kConnectRefused = 23,   // nothing listens there
  kConnectTimeout = 24,   // the connection was not established in time
  kUnreachable = 25,      // no route, or another error of connect()
  kNoLocalResource = 26,  // our own shortage: no free port, file descriptor or memory

  // Of the long-lived protocols, beside those above.
  kNotUtf8 = 27,  // a line that is not UTF-8
  kIdle = 28,     // the peer was silent for too long, or did not answer a ping
};
inline constexpr int kVerdictCount = 29;

// What a verdict counts as in the ledger equation:
// accepted = completed + rejected + timed_out + peer_gone + shed + closed_by_server + in_flight.
enum class VerdictClass : uint8_t {
  kPending,
  kCompleted,
  kRejected,
  kTimedOut,
  kPeerGone,  // FIN or RST
  kShed,
  kClosedByServer,
  kClientSide,  // never in a server's ledger
};

// "OK", "MALFORMED", "TIMEOUT_STEP_1", ...: the spelling of the ERROR answer, logs and metrics.
std::string_view VerdictName(Verdict verdict);

// One sentence for people, without a final stop.
std::string_view VerdictText(Verdict verdict);

VerdictClass ClassOf(Verdict verdict);

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_VERDICT_H_

// The legal moves of the handshake, both roles, as one table. A machine has no other way to move.
//
//   server  READ_HELLO -> WRITE_REPLY -> READ_CONFIRM -> CLOSE
//   client  WRITE_HELLO -> READ_REPLY -> PROBE -> WRITE_CONFIRM -> READ_END -> CLOSE
//   server, when a `line` peer is told why:  ... -> WRITE_ERROR -> SHUTDOWN -> DISCARD -> CLOSE
//   both, in any other failure:  ... -> RESET
//
// So only success, or an ERROR answer sent in full, ends in CLOSE: no other failure looks like it.
#ifndef HANDSHAKE_COMMON_WIRE_HANDSHAKE_STAGE_H_
#define HANDSHAKE_COMMON_WIRE_HANDSHAKE_STAGE_H_

#include <array>
#include <cassert>
#include <cstdint>
#include <optional>

#include "common/wire/session.h"

namespace handshake::wire {

enum class Stage : uint8_t {
  kReadHello,     // server: HELLO X
  kWriteReply,    // server: HELLO X+1
  kReadConfirm,   // server: HELLO X+2
  kWriteError,    // server: ERROR <CODE> <text>
  kShutdown,      // server: FIN behind the ERROR
  kDiscard,       // server: drop what the peer still sends
  kWriteHello,    // client: HELLO X
  kReadReply,     // client: HELLO X+1
  kProbe,         // client: is the server still there?
  kWriteConfirm,  // client: HELLO X+2
  kReadEnd,       // client: the server's FIN
  kClose,         // ended: close(), the peer reads FIN
  kReset,         // ended: reset, so that failure cannot pass for success
};
inline constexpr int kStageCount = 13;

enum class StageEvent : uint8_t {
  kMessage,      // the message of this stage was read and is right
  kSent,         // the message of this stage was written
  kQuiet,        // the probe found the stream open and empty
  kShut,         // our half of the stream is closed
  kEndOfStream,  // the peer's half is closed, and that is what the stage waits for
  kTellPeer,     // failed, and the peer is told why
  kFail,         // failed, or enough dropped: nothing more is said
};
inline constexpr int kStageEventCount = 7;

struct StageMove {
  Stage from;
  StageEvent event;
  Stage to;
};

inline constexpr std::array kStageMoves = {
    StageMove{Stage::kReadHello, StageEvent::kMessage, Stage::kWriteReply},
    StageMove{Stage::kReadHello, StageEvent::kTellPeer, Stage::kWriteError},
    StageMove{Stage::kReadHello, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kWriteReply, StageEvent::kSent, Stage::kReadConfirm},
    StageMove{Stage::kWriteReply, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kReadConfirm, StageEvent::kMessage, Stage::kClose},
    StageMove{Stage::kReadConfirm, StageEvent::kTellPeer, Stage::kWriteError},
    StageMove{Stage::kReadConfirm, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kWriteError, StageEvent::kSent, Stage::kShutdown},
    StageMove{Stage::kWriteError, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kShutdown, StageEvent::kShut, Stage::kDiscard},
    StageMove{Stage::kShutdown, StageEvent::kFail, Stage::kClose},
    StageMove{Stage::kDiscard, StageEvent::kEndOfStream, Stage::kClose},
    StageMove{Stage::kDiscard, StageEvent::kFail, Stage::kClose},
    StageMove{Stage::kWriteHello, StageEvent::kSent, Stage::kReadReply},
    StageMove{Stage::kWriteHello, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kReadReply, StageEvent::kMessage, Stage::kProbe},
    StageMove{Stage::kReadReply, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kProbe, StageEvent::kQuiet, Stage::kWriteConfirm},
    StageMove{Stage::kProbe, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kWriteConfirm, StageEvent::kSent, Stage::kReadEnd},
    StageMove{Stage::kWriteConfirm, StageEvent::kFail, Stage::kReset},
    StageMove{Stage::kReadEnd, StageEvent::kEndOfStream, Stage::kClose},
    StageMove{Stage::kReadEnd, StageEvent::kFail, Stage::kReset},
};

constexpr std::optional<Stage> NextStage(Stage from, StageEvent event) {
  for (const StageMove& move : kStageMoves) {
    if (move.from == from && move.event == event) return move.to;
  }
  return std::nullopt;
}

// What the driver must do in a stage, and which of the protocol's three steps the stage belongs to
// (the number in TIMEOUT_STEP_n and PEER_GONE_STEP_n).
struct StageTraits {
  Need need;
  int8_t step;
};

inline constexpr std::array<StageTraits, kStageCount> kStageTraits = {{
    {Need::kRead, 1},      // kReadHello
    {Need::kWrite, 2},     // kWriteReply
    {Need::kRead, 3},      // kReadConfirm
    {Need::kWrite, 3},     // kWriteError
    {Need::kShutdown, 3},  // kShutdown
    {Need::kDiscard, 3},   // kDiscard
    {Need::kWrite, 1},     // kWriteHello
    {Need::kRead, 2},      // kReadReply
    {Need::kProbe, 3},     // kProbe
    {Need::kWrite, 3},     // kWriteConfirm
    {Need::kRead, 3},      // kReadEnd
    {Need::kEnd, 3},       // kClose
    {Need::kEnd, 3},       // kReset
}};

constexpr const StageTraits& TraitsOf(Stage stage) {
  return kStageTraits[static_cast<size_t>(stage)];
}

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_HANDSHAKE_STAGE_H_

// What the two roles of the handshake share: the stage, the input so far, the deadlines, and how a
// message is recognised under a framing.
#ifndef HANDSHAKE_COMMON_WIRE_HANDSHAKE_MACHINE_H_
#define HANDSHAKE_COMMON_WIRE_HANDSHAKE_MACHINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/wire/handshake_stage.h"
#include "common/wire/limits.h"
#include "common/wire/message.h"
#include "common/wire/session.h"
#include "common/wire/verdict.h"

namespace handshake::wire {

enum class Framing : uint8_t {
  kAuto,  // server only: the first message decides between the other two
  kLine,  // LF ends a message, one CR before it is allowed
  kBare,  // no terminator: the end of a read ends message 1, the expected text ends the others
};

// "auto", "line", "bare".
std::string_view FramingName(Framing framing);

struct HandshakeOptions {
  Framing framing = Framing::kAuto;
  // Each above zero and at most kMaxTimeout.
  Duration step_timeout = kStepTimeout;
  Duration handshake_timeout = kHandshakeTimeout;
  Duration bare_grace = kBareGrace;  // used by kAuto
};

// What was recognised at the head of the input.
struct Recognised {
  Verdict verdict = Verdict::kNone;  // kNone: not complete yet
  int64_t number = 0;                // set if kOk
  size_t length = 0;                 // bytes used, terminator included; set if kOk
  bool carriage_return = false;      // it ended in CR LF
};

// A `line` message: complete with its LF, or OVERSIZE when there is no room for one.
Recognised RecogniseLine(std::string_view input);

// A message whose number is known: under kLine as above with MISMATCH for another number; under
// kBare the last byte of the expected text ends it, and the first wrong byte decides.
Recognised RecogniseExpected(std::string_view input, Framing framing, int64_t expected);

// Base of ServerHandshake and ClientHandshake; a plain value, see session.h for the contract.
class HandshakeMachine {
 public:
  Need need() const { return TraitsOf(stage_).need; }
  int step() const { return TraitsOf(stage_).step; }
  Stage stage() const { return stage_; }
  Verdict verdict() const { return verdict_; }
  Ending ending() const { return stage_ == Stage::kReset ? Ending::kReset : Ending::kClose; }
  TimePoint started() const { return started_; }
  int64_t sequence() const { return sequence_; }  // X, once it is known
  TimePoint deadline() const;
  size_t ReadSize() const;
  // The bytes read in the present step and not used yet; for messages to people.
  std::string_view input() const { return {input_.data(), input_length_}; }

 protected:
  HandshakeMachine(const HandshakeOptions& options, Framing framing, Stage first, int64_t sequence,
                   TimePoint now);

  // Follows the table; a move that is not in it is misuse.
  void Move(StageEvent event);
  // As Move, and starts the clock of the next step.
  void NextStep(StageEvent event, TimePoint now);
  // Decides the verdict; kTellPeer leaves kDiscardTimeout to say so.
  void Fail(StageEvent event, Verdict verdict, TimePoint now);
  // PEER_GONE, PEER_RESET and TIMEOUT of the present step.
  Verdict AtStep(Verdict of_step_1) const;

  void Accept(std::string_view bytes);  // adds them to the input
  void Drop(size_t n);                  // the first n bytes of the input are used
  std::string_view terminator() const;
  std::string_view Remaining(size_t length, std::span<char> scratch) const;

  // A second deadline inside a step, at most as late as the step's: the end of the bare grace.
  void StartGrace(TimePoint now);
  void EndGrace() { grace_end_us_ = kNoGrace; }
  bool GracePassed(TimePoint now) const;
  bool StepPassed(TimePoint now) const { return now >= At(step_deadline_us_); }

  const HandshakeOptions& options() const { return *options_; }
  void set_sequence(int64_t sequence) { sequence_ = sequence; }
  Framing framing() const { return framing_; }
  void set_framing(Framing framing, bool carriage_return) {
    framing_ = framing;
    carriage_return_ = carriage_return;
  }
  void set_verdict(Verdict verdict) { verdict_ = verdict; }
  // Counts bytes of the present output.
  void CountSent(size_t n);

 private:
  static constexpr uint32_t kNoGrace = UINT32_MAX;
  TimePoint At(uint32_t offset_us) const { return started_ + std::chrono::microseconds(offset_us); }
  uint32_t OffsetOf(TimePoint at) const;
  void StartStepClock(TimePoint now);

  const HandshakeOptions* options_;
  TimePoint started_;
  int64_t sequence_;
  uint32_t step_deadline_us_;  // since started_, as the next one
  uint32_t grace_end_us_ = kNoGrace;
  std::array<char, kMaxMessageBytes> input_;
  uint8_t input_length_ = 0;
  uint8_t sent_ = 0;
  Stage stage_;
  Verdict verdict_ = Verdict::kNone;
  Framing framing_;
  bool carriage_return_ = false;
};

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_HANDSHAKE_MACHINE_H_

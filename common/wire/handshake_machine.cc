#include "common/wire/handshake_machine.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace handshake::wire {

std::string_view FramingName(Framing framing) {
  constexpr std::array<std::string_view, 3> kNames = {"auto", "line", "bare"};
  return kNames[static_cast<size_t>(framing)];
}

Recognised RecogniseLine(std::string_view input) {
  Recognised recognised;
  const size_t line_feed = input.find('\n');
  if (line_feed == std::string_view::npos) {
    if (input.size() >= kMaxMessageBytes) recognised.verdict = Verdict::kOversize;
    return recognised;
  }
  recognised.length = line_feed + 1;
  std::string_view text = input.substr(0, line_feed);
  recognised.carriage_return = text.ends_with('\r');
  if (recognised.carriage_return) text.remove_suffix(1);
  const ParsedMessage message = ParseMessage(text);
  recognised.verdict = message.verdict;
  recognised.number = message.number;
  return recognised;
}

namespace {

Recognised RecogniseExpectedBare(std::string_view input, int64_t expected) {
  char buffer[kMaxValidMessageBytes];
  const std::string_view text(buffer, FormatMessage(expected, "", buffer));
  Recognised recognised;
  if (input.starts_with(text)) {
    recognised.verdict = Verdict::kOk;
    recognised.number = expected;
    recognised.length = text.size();
  } else if (!text.starts_with(input)) {
    const auto wrong = std::mismatch(input.begin(), input.end(), text.begin(), text.end()).first;
    const std::string_view judged(input.begin(), wrong + 1);  // whatever was read behind it
    const bool well_formed = CanContinue(judged) || ParseMessage(judged).verdict == Verdict::kOk;
    recognised.verdict = well_formed ? Verdict::kMismatch : Verdict::kMalformed;
  }
  return recognised;
}

}  // namespace

Recognised RecogniseExpected(std::string_view input, Framing framing, int64_t expected) {
  if (framing == Framing::kBare) return RecogniseExpectedBare(input, expected);
  Recognised recognised = RecogniseLine(input);
  if (recognised.verdict == Verdict::kOk && recognised.number != expected) {
    recognised.verdict = Verdict::kMismatch;
  }
  return recognised;
}

HandshakeMachine::HandshakeMachine(const HandshakeOptions& options, Framing framing, Stage first,
                                   int64_t sequence, TimePoint now)
    : options_(&options), started_(now), sequence_(sequence), stage_(first), framing_(framing) {
  StartStepClock(now);
}

TimePoint HandshakeMachine::deadline() const {
  return At(std::min(step_deadline_us_, grace_end_us_));
}

size_t HandshakeMachine::ReadSize() const {
  assert(need() == Need::kRead || need() == Need::kProbe);
  return input_.size() - input_length_;
}

void HandshakeMachine::Move(StageEvent event) {
  const std::optional<Stage> next = NextStage(stage_, event);
  assert(next.has_value());
  stage_ = *next;
  sent_ = 0;
}

void HandshakeMachine::NextStep(StageEvent event, TimePoint now) {
  Move(event);
  EndGrace();
  StartStepClock(now);
}

void HandshakeMachine::Fail(StageEvent event, Verdict verdict, TimePoint now) {
  assert(verdict_ == Verdict::kNone);
  Move(event);
  EndGrace();
  verdict_ = verdict;
  step_deadline_us_ = OffsetOf(now + kDiscardTimeout);
}

Verdict HandshakeMachine::AtStep(Verdict of_step_1) const {
  return static_cast<Verdict>(static_cast<int>(of_step_1) + step() - 1);
}

void HandshakeMachine::Accept(std::string_view bytes) {
  assert(!bytes.empty() && bytes.size() <= ReadSize());
  std::memcpy(input_.data() + input_length_, bytes.data(), bytes.size());
  input_length_ = static_cast<uint8_t>(input_length_ + bytes.size());
}

void HandshakeMachine::Drop(size_t n) {
  assert(n <= input_length_);
  input_length_ = static_cast<uint8_t>(input_length_ - n);
  std::memmove(input_.data(), input_.data() + n, input_length_);
}

std::string_view HandshakeMachine::terminator() const {
  if (framing_ == Framing::kBare) return "";
  return carriage_return_ ? "\r\n" : "\n";
}

std::string_view HandshakeMachine::Remaining(size_t length, std::span<char> scratch) const {
  return std::string_view(scratch.data(), length).substr(sent_);
}

void HandshakeMachine::StartGrace(TimePoint now) {
  grace_end_us_ = std::min(OffsetOf(now + options_->bare_grace), step_deadline_us_);
}

bool HandshakeMachine::GracePassed(TimePoint now) const {
  return grace_end_us_ != kNoGrace && now >= At(grace_end_us_);
}

void HandshakeMachine::CountSent(size_t n) {
  assert(need() == Need::kWrite);
  sent_ = static_cast<uint8_t>(sent_ + n);
}

uint32_t HandshakeMachine::OffsetOf(TimePoint at) const {
  const auto offset = std::chrono::duration_cast<std::chrono::microseconds>(at - started_).count();
  // A machine that was not driven for over an hour is long past its deadlines anyway.
  return static_cast<uint32_t>(std::clamp<int64_t>(offset, 0, kNoGrace - 1));
}

void HandshakeMachine::StartStepClock(TimePoint now) {
  step_deadline_us_ =
      OffsetOf(std::min(now + options_->step_timeout, started_ + options_->handshake_timeout));
}

}  // namespace handshake::wire

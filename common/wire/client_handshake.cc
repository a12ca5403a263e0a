#include "common/wire/client_handshake.h"

#include <cassert>

namespace handshake::wire {

ClientHandshake::ClientHandshake(const HandshakeOptions& options, int64_t sequence, TimePoint now)
    : HandshakeMachine(options, options.framing, Stage::kWriteHello, sequence, now) {
  assert(options.framing != Framing::kAuto && sequence <= kMaxSequence);
}

std::string_view ClientHandshake::Output(std::span<char> scratch) const {
  assert(need() == Need::kWrite);
  const int64_t number = sequence() + (stage() == Stage::kWriteHello ? 0 : 2);
  return Remaining(FormatMessage(number, terminator(), scratch.first<kMaxValidMessageBytes>()),
                   scratch);
}

void ClientHandshake::OnSent(size_t n, TimePoint now) {
  char scratch[Session::kScratchBytes];
  const size_t left = Output(scratch).size();
  assert(n <= left);
  CountSent(n);
  if (n < left) return;
  if (stage() == Stage::kWriteHello) {
    NextStep(StageEvent::kSent, now);
  } else {
    Move(StageEvent::kSent);
  }
}

void ClientHandshake::OnReceived(std::string_view bytes, TimePoint now) {
  Accept(bytes);
  if (stage() == Stage::kReadReply) {
    ReadReply(now);
  } else {
    JudgeUnexpected(now);
  }
}

void ClientHandshake::ReadReply(TimePoint now) {
  constexpr std::string_view kError = "ERROR ";
  if (input().starts_with(kError.substr(0, input().size()))) return JudgeUnexpected(now);
  const Recognised reply = RecogniseExpected(input(), framing(), sequence() + 1);
  if (reply.verdict == Verdict::kNone) return;
  if (reply.verdict != Verdict::kOk) return Fail(StageEvent::kFail, reply.verdict, now);
  if (input().size() > reply.length) return Fail(StageEvent::kFail, Verdict::kTrailingData, now);
  Drop(reply.length);
  NextStep(StageEvent::kMessage, now);
}

void ClientHandshake::JudgeUnexpected(TimePoint now) {
  constexpr std::string_view kError = "ERROR ";
  const bool may_be_error = input().starts_with(kError.substr(0, input().size()));
  if (!may_be_error) return Fail(StageEvent::kFail, UnlessConfirmed(Verdict::kTrailingData), now);
  const bool complete = input().ends_with('\n') || input().size() == kMaxMessageBytes;
  if (complete) Fail(StageEvent::kFail, Verdict::kPeerError, now);
}

void ClientHandshake::OnQuiet(TimePoint /*now*/) {
  assert(stage() == Stage::kProbe);
  Move(StageEvent::kQuiet);
}

void ClientHandshake::OnEndOfStream(TimePoint now) {
  if (input().starts_with("ERROR ")) return Fail(StageEvent::kFail, Verdict::kPeerError, now);
  if (stage() != Stage::kReadEnd || !input().empty()) {
    return Fail(StageEvent::kFail, UnlessConfirmed(AtStep(Verdict::kPeerGoneStep1)), now);
  }
  set_verdict(Verdict::kOk);
  Move(StageEvent::kEndOfStream);
}

void ClientHandshake::OnReset(TimePoint now) {
  Fail(StageEvent::kFail, UnlessConfirmed(AtStep(Verdict::kPeerResetStep1)), now);
}

void ClientHandshake::OnTime(TimePoint now) {
  if (!StepPassed(now)) return;
  Fail(StageEvent::kFail, UnlessConfirmed(AtStep(Verdict::kTimeoutStep1)), now);
}

Verdict ClientHandshake::UnlessConfirmed(Verdict verdict) const {
  return stage() == Stage::kReadEnd ? Verdict::kUnconfirmed : verdict;
}

}  // namespace handshake::wire

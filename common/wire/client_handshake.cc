#include "common/wire/client_handshake.h"

#include <cassert>

namespace handshake::wire {

ClientHandshake::ClientHandshake(const HandshakeOptions& options, int64_t sequence, TimePoint now)
    : HandshakeMachine(options, options.framing, Stage::kWriteHello, sequence, now) {
  assert(options.framing != Framing::kAuto && sequence <= kMaxSequence);
}

Ending ClientHandshake::ending() const {
  return verdict() == Verdict::kOk ? Ending::kClose : Ending::kReset;
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
  if (n == left) NextStep(StageEvent::kSent, now);
}

void ClientHandshake::OnReceived(size_t n, TimePoint now) {
  Accept(n);
  if (stage() == Stage::kReadReply) {
    ReadReply(now);
  } else {
    JudgeUnexpected();
  }
}

void ClientHandshake::ReadReply(TimePoint now) {
  constexpr std::string_view kError = "ERROR ";
  if (input().starts_with(kError.substr(0, input().size()))) return JudgeUnexpected();
  const Recognised reply = RecogniseExpected(input(), framing(), sequence() + 1);
  if (reply.verdict == Verdict::kNone) return;
  if (reply.verdict != Verdict::kOk) return Fail(StageEvent::kFail, reply.verdict, now);
  if (input().size() > reply.length) return Fail(StageEvent::kFail, Verdict::kTrailingData, now);
  Drop(reply.length);
  NextStep(StageEvent::kMessage, now);
}

void ClientHandshake::JudgeUnexpected() {
  constexpr std::string_view kError = "ERROR ";
  const bool may_be_error = input().starts_with(kError.substr(0, input().size()));
  if (!may_be_error) return Fail(StageEvent::kFail, Verdict::kTrailingData, started());
  const bool complete = input().ends_with('\n') || input().size() == kMaxMessageBytes;
  if (complete) Fail(StageEvent::kFail, Verdict::kPeerError, started());
}

void ClientHandshake::OnQuiet(TimePoint /*now*/) {
  assert(stage() == Stage::kProbe);
  Move(StageEvent::kQuiet);
}

void ClientHandshake::OnEndOfStream(TimePoint now) {
  if (input().starts_with("ERROR ")) return Fail(StageEvent::kFail, Verdict::kPeerError, now);
  if (stage() != Stage::kReadEnd) {
    return Fail(StageEvent::kFail, AtStep(Verdict::kPeerGoneStep1), now);
  }
  if (!input().empty()) return Fail(StageEvent::kFail, Verdict::kTrailingData, now);
  set_verdict(Verdict::kOk);
  Move(StageEvent::kEndOfStream);
}

void ClientHandshake::OnReset(TimePoint now) {
  const bool sent_all = stage() == Stage::kReadEnd;
  Fail(StageEvent::kFail, sent_all ? Verdict::kUnconfirmed : AtStep(Verdict::kPeerResetStep1), now);
}

void ClientHandshake::OnTime(TimePoint now) {
  if (!StepPassed(now)) return;
  const bool sent_all = stage() == Stage::kReadEnd;
  Fail(StageEvent::kFail, sent_all ? Verdict::kUnconfirmed : AtStep(Verdict::kTimeoutStep1), now);
}

}  // namespace handshake::wire

#include "common/wire/server_handshake.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace handshake::wire {

static_assert(sizeof(ServerHandshake) <= kSessionStateBytes);

ServerHandshake::ServerHandshake(const Options& options, TimePoint now)
    : HandshakeMachine(options, options.framing, Stage::kReadHello, 0, now) {}

std::string_view ServerHandshake::Output(std::span<char> scratch) const {
  size_t length = 0;
  if (stage() == Stage::kWriteReply) {
    length = FormatMessage(sequence() + 1, terminator(), scratch.first<kMaxValidMessageBytes>());
  } else {
    assert(stage() == Stage::kWriteError);
    for (std::string_view part : {std::string_view("ERROR "), VerdictName(verdict()),
                                  std::string_view(" "), VerdictText(verdict()), terminator()}) {
      std::memcpy(scratch.data() + length, part.data(), part.size());
      length += part.size();
    }
  }
  return Remaining(length, scratch);
}

void ServerHandshake::OnReceived(std::string_view bytes, TimePoint now) {
  Accept(bytes);
  if (stage() == Stage::kReadHello) {
    ReadHello(now);
  } else {
    ReadConfirm(now);
  }
}

void ServerHandshake::ReadHello(TimePoint now) {
  if (framing() == Framing::kBare) return JudgeBareHello(now);
  const Recognised hello = RecogniseLine(input());
  if (hello.verdict != Verdict::kNone) return JudgeLineHello(hello, now);
  EndGrace();
  // With auto, a message that looks complete is bare unless its LF follows within the grace.
  const bool looks_complete = ParseMessage(input()).verdict != Verdict::kMalformed;
  if (framing() == Framing::kAuto && looks_complete) StartGrace(now);
}

void ServerHandshake::JudgeLineHello(const Recognised& hello, TimePoint now) {
  // Under auto a message without LF leaves the framing undecided.
  if (hello.verdict != Verdict::kOversize) set_framing(Framing::kLine, hello.carriage_return);
  if (hello.verdict != Verdict::kOk) return Reject(hello.verdict, now);
  const bool early = input().size() > hello.length;
  if (hello.number > kMaxSequence) return Reject(Verdict::kOverflow, now);
  if (early) return Reject(Verdict::kEarlyData, now);
  AcceptHello(hello.number, now);
}

void ServerHandshake::JudgeBareHello(TimePoint now) {
  const ParsedMessage hello = ParseMessage(input());
  if (hello.verdict == Verdict::kMalformed && CanContinue(input())) return;
  if (framing() == Framing::kAuto) set_framing(Framing::kBare, false);
  if (hello.verdict != Verdict::kOk) return Reject(hello.verdict, now);
  if (hello.number > kMaxSequence) return Reject(Verdict::kOverflow, now);
  AcceptHello(hello.number, now);
}

void ServerHandshake::AcceptHello(int64_t x, TimePoint now) {
  set_sequence(x);
  Drop(input().size());
  NextStep(StageEvent::kMessage, now);
}

void ServerHandshake::ReadConfirm(TimePoint now) {
  const Recognised confirm = RecogniseExpected(input(), framing(), sequence() + 2);
  if (confirm.verdict == Verdict::kNone) return;
  if (confirm.verdict != Verdict::kOk) return Reject(confirm.verdict, now);
  if (input().size() > confirm.length) return Reject(Verdict::kTrailingData, now);
  set_verdict(Verdict::kOk);
  Move(StageEvent::kMessage);
}

void ServerHandshake::Reject(Verdict verdict, TimePoint now) {
  const bool tell = framing() == Framing::kLine;
  Fail(tell ? StageEvent::kTellPeer : StageEvent::kFail, verdict, now);
}

void ServerHandshake::OnSent(size_t n, TimePoint now) {
  char scratch[Session::kScratchBytes];
  const size_t left = Output(scratch).size();
  assert(n <= left);
  CountSent(n);
  if (n < left) return;
  if (stage() == Stage::kWriteReply) {
    NextStep(StageEvent::kSent, now);
  } else {
    Move(StageEvent::kSent);
  }
}

void ServerHandshake::OnShutdown(TimePoint /*now*/) { Move(StageEvent::kShut); }

void ServerHandshake::OnDiscarded(size_t n, TimePoint /*now*/) {
  assert(n <= DiscardLimit());
  discarded_ = static_cast<uint16_t>(discarded_ + n);
  if (DiscardLimit() == 0) Move(StageEvent::kFail);
}

void ServerHandshake::OnEndOfStream(TimePoint now) {
  if (stage() == Stage::kDiscard) return Move(StageEvent::kEndOfStream);
  const bool undecided = stage() == Stage::kReadHello && framing() != Framing::kLine;
  if (undecided && ParseMessage(input()).verdict != Verdict::kMalformed) {
    return JudgeBareHello(now);  // the end of the stream ends a bare message too
  }
  Fail(StageEvent::kFail, AtStep(Verdict::kPeerGoneStep1), now);
}

void ServerHandshake::OnReset(TimePoint now) {
  if (verdict() != Verdict::kNone) return Move(StageEvent::kFail);
  Fail(StageEvent::kFail, AtStep(Verdict::kPeerResetStep1), now);
}

void ServerHandshake::OnTime(TimePoint now) {
  if (verdict() != Verdict::kNone) {
    if (StepPassed(now)) Move(StageEvent::kFail);
    return;
  }
  if (GracePassed(now)) {  // first: its message came in time, even if the step is over by now
    EndGrace();
    return JudgeBareHello(now);
  }
  if (!StepPassed(now)) return;
  const Verdict timeout = AtStep(Verdict::kTimeoutStep1);
  if (need() == Need::kRead) return Reject(timeout, now);
  Fail(StageEvent::kFail, timeout, now);  // it does not read, so it cannot be told
}

void ServerHandshake::Abort(Verdict verdict) {
  if (this->verdict() != Verdict::kNone) return Move(StageEvent::kFail);
  Fail(StageEvent::kFail, verdict, started());
}

}  // namespace handshake::wire

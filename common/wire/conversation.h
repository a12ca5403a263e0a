// What the long-lived protocols share: messages in, answers out, in order, until a side ends it.
//
// Conversation<Dialect> is the machine of a session (see session.h). The dialect says where a
// message ends and what is answered to it; the machine has all else: memory, deadlines, a peer that
// does not read, a last word before the end.
//
//   READ <-> WRITE        the input is read only while all answers are sent: what it needs is
//   bounded WRITE -> SHUT -> DISCARD -> CLOSED    the last answer, then FIN; what still comes is
//   dropped, so
//                                         that the answer is not destroyed by a reset
//   any -> RESET          the peer does not read, or is gone
//
// A conversation that waits holds no memory but itself: that is lent while a message is partial or
// an answer is on its way. Its steps: 1, a message is read; 2, an answer is written.
#ifndef HANDSHAKE_COMMON_WIRE_CONVERSATION_H_
#define HANDSHAKE_COMMON_WIRE_CONVERSATION_H_

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "common/wire/limits.h"
#include "common/wire/session.h"
#include "common/wire/verdict.h"

namespace handshake::wire {

// Each at most kMaxTimeout and, where nothing else is said, above zero.
struct ConversationOptions {
  Duration idle_timeout = kIdleTimeout;        // without a byte from the peer
  Duration ping_interval = kPingInterval;      // of a dialect that pings; 0: it does not
  Duration ping_timeout = kPingTimeout;        // for the answer
  Duration message_timeout = kMessageTimeout;  // from the first byte of a message to its last
  Duration write_timeout = kWriteTimeout;      // for the answers that are ready to be taken
};

// Where an answer is written: room for kMostAnswerBytes.
class Answer {
 public:
  explicit Answer(std::span<char> room) : room_(room) {}
  // What does not fit is cut off.
  void Add(std::string_view text);
  void AddNumber(int64_t number);
  size_t size() const { return size_; }

 private:
  std::span<char> room_;
  size_t size_ = 0;
};

// What a dialect is asked to judge.
struct Unjudged {
  std::string_view input;  // from the first byte of a message
  bool last;               // the peer sends nothing more
  bool pong_due;           // a ping was sent, and its answer has not come
};

// What it says. The answer, ERROR included, was written.
struct Judged {
  enum class What : uint8_t {
    kPartial,   // more bytes are needed
    kMessage,   // a message, and the conversation goes on
    kPong,      // the answer to a ping
    kFarewell,  // the last message: after its answer it ends well
    kFailure,   // after its answer it ends, with this verdict
  };
  What what = What::kPartial;
  size_t used = 0;                   // bytes of the input that are done with; not with kFailure
  Verdict verdict = Verdict::kNone;  // with kFailure
};

// The part that knows no dialect.
class ConversationMachine {
 public:
  Need need() const;
  int step() const { return state_ == State::kRead ? 1 : 2; }
  static int64_t sequence() { return 0; }
  static bool held() { return false; }
  Verdict verdict() const { return verdict_; }
  Ending ending() const { return state_ == State::kReset ? Ending::kReset : Ending::kClose; }
  TimePoint started() const { return started_; }
  TimePoint deadline() const { return deadline_; }
  std::string_view input() const;
  size_t ReadSize() const;
  std::string_view Output(std::span<char> scratch) const;
  size_t DiscardLimit() const { return kDiscardBytes - discarded_; }
  // Messages judged since it was last asked.
  uint32_t TakeMessageCount();

  void OnShutdown(TimePoint now);
  void OnDiscarded(size_t n, TimePoint now);
  void OnReset(TimePoint now);
  void Abort(Verdict verdict);

 protected:
  enum class State : uint8_t { kRead, kWrite, kShut, kDiscard, kClosed, kReset };

  ConversationMachine(const ConversationOptions& options, TimePoint now);

  const ConversationOptions& options() const { return *options_; }
  State state() const { return state_; }
  bool pinged() const { return pinged_; }
  bool pong_due() const { return pong_due_; }
  bool peer_done() const { return peer_done_; }
  std::string_view unjudged() const;
  // Is there room for one more answer?
  bool MayAnswer() const;
  // To be written to, then counted with Answered(). False: no memory, it has ended.
  bool Lend();
  Answer BeginAnswer();
  void EndAnswer(const Answer& answer) {
    output_end_ = static_cast<uint16_t>(output_end_ + answer.size());
  }

  void Accept(std::string_view bytes, TimePoint now);
  void Use(size_t n, TimePoint now);
  void NotePing() { pinged_ = pong_due_ = true; }
  void NotePong() { pong_due_ = false; }
  void NoteEndOfStream() { peer_done_ = true; }
  void Decide(Verdict verdict);
  // Counts sent bytes; true: all are.
  bool Sent(size_t n);
  // What to do next, once there is nothing more to judge.
  void Settle(TimePoint now);
  void End(State end);

 private:
  struct Lent;
  static Lent* Borrow();
  static void GiveBack(Lent* lent);
  void Rest();  // gives the memory back if it holds nothing

  const ConversationOptions* options_;
  TimePoint started_;
  TimePoint deadline_;
  TimePoint message_since_{};  // the first byte of a partial message came
  Lent* lent_ = nullptr;
  uint16_t input_begin_ = 0;
  uint16_t input_end_ = 0;
  uint16_t output_begin_ = 0;
  uint16_t output_end_ = 0;
  uint32_t messages_ = 0;
  uint16_t discarded_ = 0;
  State state_ = State::kRead;
  Verdict verdict_ = Verdict::kNone;
  bool peer_done_ = false;
  bool pinged_ = false;    // and nothing was heard since
  bool pong_due_ = false;  // a message that crossed the ping leaves its answer to come
};

// A dialect is a trivially copyable class with
//   Options                      derived from ConversationOptions
//   kName                        of the protocol
//   Greet(options, answer)       what is said first; may be nothing
//   Judge(options, unjudged, answer) -> Judged
//   Ping(answer)                 static; asked for only if the options have a ping_interval
//   Fail(code, text, answer)     static; an ERROR answer
template <class Dialect>
class Conversation : public ConversationMachine {
 public:
  using Options = typename Dialect::Options;
  static constexpr std::string_view kName = Dialect::kName;

  // Borrows `options`, which must outlive this.
  Conversation(const Options& options, TimePoint now) : ConversationMachine(options, now) {
    Say([&](Answer& answer) { dialect_.Greet(options, answer); });
    Settle(now);
  }

  void OnReceived(std::string_view bytes, TimePoint now) {
    if (!Lend()) return;
    Accept(bytes, now);
    JudgeAll(now);
  }
  void OnSent(size_t n, TimePoint now) {
    if (Sent(n)) JudgeAll(now);
  }
  void OnEndOfStream(TimePoint now) {
    if (state() == State::kDiscard) return End(State::kClosed);
    NoteEndOfStream();
    JudgeAll(now);
  }
  void OnTime(TimePoint now) {
    if (now < deadline()) return;
    switch (state()) {
      case State::kRead:
        return OnReadTimeout(now);
      case State::kWrite:
        Decide(Verdict::kTimeoutStep2);
        return End(State::kReset);
      default:
        return End(State::kClosed);
    }
  }

 private:
  template <class Write>
  void Say(Write write) {
    if (!Lend()) return;
    Answer answer = BeginAnswer();
    write(answer);
    EndAnswer(answer);
  }

  void JudgeAll(TimePoint now) {
    while (verdict() == Verdict::kNone && !unjudged().empty() && MayAnswer() && JudgeOne(now)) {
    }
    Settle(now);
  }

  bool JudgeOne(TimePoint now) {
    Answer answer = BeginAnswer();
    const Judged judged =
        dialect_.Judge(own_options(), {unjudged(), peer_done(), pong_due()}, answer);
    EndAnswer(answer);
    switch (judged.what) {
      case Judged::What::kPartial:
        if (peer_done()) Decide(Verdict::kPeerGoneStep1);
        return false;
      case Judged::What::kFailure:
        Decide(judged.verdict);
        return false;
      case Judged::What::kFarewell:
        Decide(Verdict::kOk);
        break;
      case Judged::What::kPong:
        NotePong();
        break;
      case Judged::What::kMessage:
        break;
    }
    Use(judged.used, now);
    return true;
  }

  void OnReadTimeout(TimePoint now) {
    if (!unjudged().empty()) {
      Fail(Verdict::kTimeoutStep1, "a message was not complete in time");
    } else if (options().ping_interval > Duration::zero() && !pinged()) {
      Say([](Answer& answer) { Dialect::Ping(answer); });
      NotePing();
    } else {
      Fail(Verdict::kIdle, "nothing was heard from you in time");
    }
    Settle(now);
  }

  void Fail(Verdict verdict, std::string_view text) {
    Say([&](Answer& answer) { Dialect::Fail(VerdictName(verdict), text, answer); });
    Decide(verdict);
  }

  const Options& own_options() const { return static_cast<const Options&>(options()); }

  Dialect dialect_;
};

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_CONVERSATION_H_

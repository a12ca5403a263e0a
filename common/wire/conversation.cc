#include "common/wire/conversation.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <utility>

namespace handshake::wire {

void Answer::Add(std::string_view text) {
  const size_t fits = std::min(text.size(), room_.size() - size_);
  std::memcpy(room_.data() + size_, text.data(), fits);
  size_ += fits;
}

void Answer::AddNumber(int64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  Add({digits, static_cast<size_t>(end - digits)});
}

struct ConversationMachine::Lent {
  std::array<char, kMostConversationBytes> input;
  std::array<char, 2 * kMostAnswerBytes> output;
};

namespace {

// What a thread gave back last, for its next message: so a message costs no allocation.
template <class T>
std::unique_ptr<T>& Spare() {
  thread_local std::unique_ptr<T> spare;
  return spare;
}

}  // namespace

ConversationMachine::Lent* ConversationMachine::Borrow() {
  if (Lent* spare = Spare<Lent>().release()) return spare;
  return new (std::nothrow) Lent;
}

void ConversationMachine::GiveBack(Lent* lent) { Spare<Lent>().reset(lent); }

ConversationMachine::ConversationMachine(const ConversationOptions& options, TimePoint now)
    : options_(&options), started_(now), deadline_(now + options.idle_timeout) {}

Need ConversationMachine::need() const {
  switch (state_) {
    case State::kRead:
      return Need::kRead;
    case State::kWrite:
      return Need::kWrite;
    case State::kShut:
      return Need::kShutdown;
    case State::kDiscard:
      return Need::kDiscard;
    default:
      return Need::kEnd;
  }
}

std::string_view ConversationMachine::unjudged() const {
  if (lent_ == nullptr) return {};
  return {lent_->input.data() + input_begin_, static_cast<size_t>(input_end_ - input_begin_)};
}

std::string_view ConversationMachine::input() const {
  return unjudged().substr(0, kMaxMessageBytes);
}

size_t ConversationMachine::ReadSize() const {
  assert(state_ == State::kRead);
  return kMostConversationBytes - unjudged().size();
}

std::string_view ConversationMachine::Output(std::span<char> /*scratch*/) const {
  assert(state_ == State::kWrite);
  return {lent_->output.data() + output_begin_, static_cast<size_t>(output_end_ - output_begin_)};
}

uint32_t ConversationMachine::TakeMessageCount() { return std::exchange(messages_, 0); }

bool ConversationMachine::MayAnswer() const {
  return lent_->output.size() - output_end_ >= kMostAnswerBytes;
}

bool ConversationMachine::Lend() {
  if (lent_ == nullptr) lent_ = Borrow();
  if (lent_ != nullptr) return true;
  Decide(Verdict::kShed);
  End(State::kReset);
  return false;
}

Answer ConversationMachine::BeginAnswer() {
  assert(MayAnswer());
  return Answer(std::span(lent_->output).subspan(output_end_, kMostAnswerBytes));
}

void ConversationMachine::Accept(std::string_view bytes, TimePoint now) {
  assert(state_ == State::kRead && bytes.size() <= ReadSize());
  const size_t held = unjudged().size();
  if (held == 0) message_since_ = now;
  if (input_begin_ > 0) std::memmove(lent_->input.data(), unjudged().data(), held);
  std::memcpy(lent_->input.data() + held, bytes.data(), bytes.size());
  input_begin_ = 0;
  input_end_ = static_cast<uint16_t>(held + bytes.size());
}

void ConversationMachine::Use(size_t n, TimePoint now) {
  assert(n > 0 && n <= unjudged().size());
  input_begin_ = static_cast<uint16_t>(input_begin_ + n);
  message_since_ = now;
  pinged_ = false;
  ++messages_;
}

void ConversationMachine::Decide(Verdict verdict) {
  if (verdict_ == Verdict::kNone) verdict_ = verdict;
}

bool ConversationMachine::Sent(size_t n) {
  output_begin_ = static_cast<uint16_t>(output_begin_ + n);
  assert(state_ == State::kWrite && output_begin_ <= output_end_);
  if (output_begin_ < output_end_) return false;
  output_begin_ = output_end_ = 0;
  state_ = State::kRead;  // unless there is more to answer
  return true;
}

void ConversationMachine::Settle(TimePoint now) {
  if (state_ == State::kClosed || state_ == State::kReset) return;
  if (output_end_ > 0) {
    if (state_ != State::kWrite) deadline_ = now + options_->write_timeout;
    state_ = State::kWrite;
    return;
  }
  if (verdict_ == Verdict::kNone && peer_done_) Decide(Verdict::kOk);  // all is answered
  if (verdict_ != Verdict::kNone) {
    if (peer_done_) return End(State::kClosed);
    state_ = State::kShut;
    deadline_ = now + kDiscardTimeout;
    return;
  }
  state_ = State::kRead;
  if (!unjudged().empty()) {
    deadline_ = message_since_ + options_->message_timeout;
    return;
  }
  Rest();
  const bool pings = options_->ping_interval > Duration::zero();
  deadline_ = now + (pinged_ ? options_->ping_timeout
                     : pings ? options_->ping_interval
                             : options_->idle_timeout);
}

void ConversationMachine::End(State end) {
  state_ = end;
  input_begin_ = input_end_ = output_begin_ = output_end_ = 0;
  Rest();
}

void ConversationMachine::Rest() {
  if (lent_ == nullptr) return;
  assert(unjudged().empty() && output_end_ == 0);
  input_begin_ = input_end_ = 0;
  GiveBack(std::exchange(lent_, nullptr));
}

void ConversationMachine::OnShutdown(TimePoint /*now*/) {
  assert(state_ == State::kShut);
  state_ = State::kDiscard;
}

void ConversationMachine::OnDiscarded(size_t n, TimePoint /*now*/) {
  assert(n <= DiscardLimit());
  discarded_ = static_cast<uint16_t>(discarded_ + n);
  if (DiscardLimit() == 0) End(State::kClosed);
}

void ConversationMachine::OnReset(TimePoint /*now*/) {
  Decide(state_ == State::kWrite ? Verdict::kPeerResetStep2 : Verdict::kPeerResetStep1);
  End(State::kReset);
}

void ConversationMachine::Abort(Verdict verdict) {
  Decide(verdict);
  End(State::kReset);
}

}  // namespace handshake::wire

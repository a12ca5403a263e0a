#include "client/line_talk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/talk_text.h"

namespace handshake::client {
namespace {

constexpr std::string_view kExit = "exit";
constexpr std::string_view kPing = "PING";
constexpr std::string_view kPong = "PONG\n";
constexpr std::string_view kError = "ERROR ";

// May a line that begins like this, its end not yet received, be one that is not printed?
bool MayBeSpecial(std::string_view begun) {
  if (begun.size() >= kMaxLineBytes) return false;
  const auto agrees = [begun](std::string_view word) {
    return begun.substr(0, word.size()) == word.substr(0, begun.size());
  };
  return (agrees(kPing) && begun.size() <= kPing.size()) || begun == "PING\r" || agrees(kError);
}

}  // namespace

LineTalk::LineTalk(std::string server, std::chrono::nanoseconds timeout, Complainer complain)
    : server_(std::move(server)), timeout_(timeout), complain_(std::move(complain)) {}

std::optional<Talk::TimePoint> LineTalk::deadline() const {
  if (!said_all() || !to_output().empty()) return std::nullopt;
  return last_progress_ + timeout_;
}

void LineTalk::OnInput(std::string_view bytes, TimePoint now) {
  input_.Add(bytes);
  SendLines();
  last_progress_ = now;
}

void LineTalk::OnInputEnd(TimePoint now) {
  input_.End();
  SendLines();
  if (!said_all()) SaidAll();
  last_progress_ = now;
}

void LineTalk::SendLines() {
  std::string_view line;
  while (!said_all()) {
    const InputLines::Result result = input_.Next(&line);
    if (result == InputLines::Result::kNone) return;
    if (result != InputLines::Result::kLine) {
      bad_input_ = true;
      complain_(input_.Problem(result));
      return SaidAll();
    }
    to_server() += line;
    last_sent_ = WithoutTerminator(line);
    if (last_sent_ == kExit) SaidAll();
  }
}

void LineTalk::OnReceived(std::string_view bytes, TimePoint now) {
  last_progress_ = now;
  held_ += bytes;
  std::string_view left = held_;
  while (!left.empty()) {
    const size_t end = left.find('\n');
    const bool complete = end != std::string_view::npos;
    const std::string_view line = left.substr(0, complete ? end + 1 : left.size());
    if (within_line_) {
      to_output() += line;
      within_line_ = !complete;
    } else if (complete) {
      if (TakeLine(line, line.size() == left.size()) == Fate::kWaits) break;
    } else if (MayBeSpecial(line)) {
      break;
    } else {
      to_output() += line;
      within_line_ = true;
    }
    left.remove_prefix(line.size());
  }
  held_.erase(0, held_.size() - left.size());
}

LineTalk::Fate LineTalk::TakeLine(std::string_view line, bool last) {
  const std::string_view text = WithoutTerminator(line);
  if (text == kPing) {
    AnswerPing();
    return Fate::kTaken;
  }
  if (last && IsErrorLine(text) && text != last_sent_) return Fate::kWaits;
  to_output() += line;
  return Fate::kTaken;
}

void LineTalk::AnswerPing() {
  if (!said_all() && to_server().empty()) to_server() += kPong;
}

bool LineTalk::ReleaseHeld() {
  const std::string_view text = WithoutTerminator(held_);
  if (IsErrorLine(text) && text != last_sent_) return false;
  to_output() += held_;
  held_.clear();
  return true;
}

void LineTalk::EndUnlessBadInput(TalkEnd::Kind kind, std::string text) {
  End(bad_input_ ? TalkEnd::Kind::kBadInput : kind, std::move(text));
}

void LineTalk::OnFin() {
  if (!ReleaseHeld()) {
    return EndUnlessBadInput(TalkEnd::Kind::kServerError, std::string(WithoutTerminator(held_)));
  }
  if (said_all() && to_server().empty()) return EndUnlessBadInput(TalkEnd::Kind::kDone);
  EndUnlessBadInput(
      TalkEnd::Kind::kCut,
      absl::StrCat(server_,
                   said_all() ? " closed the connection before it had read all of the input"
                              : " closed the connection while the input was still open",
                   "; connect again to go on"));
}

void LineTalk::OnBroken(int error) {
  if (!ReleaseHeld()) return OnFin();
  EndUnlessBadInput(TalkEnd::Kind::kCut, BrokenText(server_, error, "answers may be missing"));
}

void LineTalk::OnTime() {
  if (!ReleaseHeld()) return OnFin();
  EndUnlessBadInput(
      TalkEnd::Kind::kCut,
      SilentText(server_, to_server().empty() ? "word" : "sign of reading", timeout_));
}

}  // namespace handshake::client

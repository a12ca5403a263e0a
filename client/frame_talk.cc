#include "client/frame_talk.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/talk_text.h"
#include "common/text/utf8.h"

namespace handshake::client {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kFrameEnd = "\r\n\r\n";
constexpr std::string_view kQuitFrame = "QUIT\r\n\r\n";
constexpr size_t kShownBytes = 64;  // of what is no answer

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// What breaks a line, or text, in the frame.
absl::Status Check(std::string_view what, std::string_view text) {
  if (text.find_first_of("\r\n") != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s has a line end in it; leave it out", what));
  }
  if (!text::IsUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrFormat("%s is not UTF-8; convert it", what));
  }
  return absl::OkStatus();
}

// "Name: value".
absl::Status CheckHeader(const std::string& header) {
  const size_t colon = header.find(':');
  const std::string_view name = std::string_view(header).substr(0, colon);
  if (colon == std::string::npos || name.empty() || name.find(' ') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the header '", header, "' is not of the form 'Name: value'"));
  }
  return Check(absl::StrFormat("the header '%s'", name), header);
}

}  // namespace

absl::StatusOr<std::string> MakeFrame(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& headers) {
  std::string frame = absl::StrJoin(arguments, " ");
  if (IsBlank(frame)) return absl::InvalidArgumentError("the command is empty; HELP lists them");
  if (absl::Status status = Check("the command", frame); !status.ok()) return status;
  for (const std::string& header : headers) {
    if (absl::Status status = CheckHeader(header); !status.ok()) return status;
    frame += kLineEnd;
    frame += header;
  }
  frame += kFrameEnd;
  if (frame.size() > kMaxFrameBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the command has %d bytes, at most %d can be sent; make it shorter",
                        frame.size(), kMaxFrameBytes));
  }
  return frame;
}

FrameTalk::FrameTalk(FrameTalkOptions options, Complainer complain, TimePoint now)
    : options_(std::move(options)),
      complain_(std::move(complain)),
      // A line of the input has one byte at its end, a frame four.
      input_(kMaxFrameBytes - kFrameEnd.size() + 1),
      since_(now) {}

bool FrameTalk::WantsInput() const {
  return stage_ == Stage::kIdle && !options_.message && to_output().empty();
}

std::optional<Talk::TimePoint> FrameTalk::deadline() const {
  if (stage_ == Stage::kIdle) return std::nullopt;
  return since_ + options_.timeout;
}

void FrameTalk::OnInput(std::string_view bytes, TimePoint now) {
  input_.Add(bytes);
  AskNext(now);
}

void FrameTalk::OnInputEnd(TimePoint now) {
  input_.End();
  input_ended_ = true;
  AskNext(now);
}

void FrameTalk::Ask(std::string_view message, Stage stage, TimePoint now) {
  to_server() += message;
  last_was_error_ = false;
  stage_ = stage;
  since_ = now;
}

void FrameTalk::Quit(TimePoint now) { Ask(kQuitFrame, Stage::kQuit, now); }

void FrameTalk::AskNext(TimePoint now) {
  while (stage_ == Stage::kIdle) {
    std::string_view line;
    const InputLines::Result result = input_.Next(&line);
    if (result == InputLines::Result::kNone) {
      if (input_ended_) {
        if (options_.prompt) to_output() += "\n";  // behind the prompt that nothing was typed at
        return Quit(now);
      }
      if (options_.prompt && prompt_due_) to_output() += options_.server + "> ";
      prompt_due_ = false;
      return;
    }
    if (result != InputLines::Result::kLine) {
      bad_input_ = true;
      complain_(input_.Problem(result));
      return Quit(now);
    }
    if (IsBlank(line)) {
      prompt_due_ = true;
      continue;
    }
    const std::string_view command = WithoutTerminator(line);
    typed_quit_ = absl::EqualsIgnoreCase(
        absl::StripAsciiWhitespace({command.data(), command.size()}), "QUIT");
    Ask(std::string(command) += kFrameEnd, Stage::kAnswer, now);
  }
}

void FrameTalk::OnReceived(std::string_view bytes, TimePoint now) {
  answers_.Add(bytes);
  Answer answer;
  while (!end()) {
    switch (answers_.Next(&answer)) {
      case AnswerReader::Result::kNone:
        return;
      case AnswerReader::Result::kNoAnswer: {
        const std::string_view said = answers_.rest().substr(0, kShownBytes);
        return EndCut(absl::StrCat(options_.server, " said what is no answer: '",
                                   absl::CHexEscape({said.data(), said.size()}),
                                   "'; is it the right port?"));
      }
      case AnswerReader::Result::kAnswer:
        Take(answer, now);
    }
  }
}

void FrameTalk::TakeError(const Answer& answer) {
  had_error_ = true;
  std::string text = answer.first;
  for (const std::string& header : answer.headers) absl::StrAppend(&text, "; ", header);
  complain_(text);
}

void FrameTalk::Take(const Answer& answer, TimePoint now) {
  last_was_error_ = !IsOk(answer.first);
  if (stage_ == Stage::kIdle) {  // nobody asked: it tells why it ends
    if (options_.prompt) to_output() += "\n";
    if (!last_was_error_) {
      return EndCut(absl::StrCat(options_.server, " answered what nobody asked: '", answer.first,
                                 "'; connect again"));
    }
    return End(TalkEnd::Kind::kServerError, answer.first);
  }
  if (last_was_error_) {
    TakeError(answer);
  } else if (stage_ == Stage::kAnswer || (stage_ == Stage::kGreeting && options_.prompt)) {
    to_output() += Printed(answer);
  }
  if (stage_ == Stage::kQuit) return;
  if (stage_ == Stage::kAnswer && options_.message) return EndInOrder();
  if (stage_ == Stage::kAnswer && typed_quit_ && !last_was_error_) {
    stage_ = Stage::kQuit;
    return;
  }
  if (stage_ == Stage::kGreeting && last_was_error_) return EndInOrder();  // it takes no commands
  if (stage_ == Stage::kGreeting && options_.message) {
    return Ask(*options_.message, Stage::kAnswer, now);
  }
  stage_ = Stage::kIdle;
  prompt_due_ = true;
  AskNext(now);
}

std::string_view FrameTalk::Awaited() const {
  if (stage_ == Stage::kGreeting) return "greeting";
  return stage_ == Stage::kQuit ? "end of the stream" : "answer";
}

void FrameTalk::EndCut(std::string text) {
  End(bad_input_ ? TalkEnd::Kind::kBadInput : TalkEnd::Kind::kCut, std::move(text));
}

void FrameTalk::EndInOrder() {
  if (bad_input_) return End(TalkEnd::Kind::kBadInput);
  End(had_error_ ? TalkEnd::Kind::kServerError : TalkEnd::Kind::kDone);
}

void FrameTalk::OnTime() { EndCut(SilentText(options_.server, Awaited(), options_.timeout)); }

void FrameTalk::OnFin() {
  // An error without its frame's end: another protocol's, but it says what is wrong.
  const std::string_view rest = WithoutTerminator(answers_.rest());
  if (IsErrorLine(rest)) return End(TalkEnd::Kind::kServerError, std::string(rest));
  if (stage_ == Stage::kQuit || last_was_error_) return EndInOrder();
  if (stage_ == Stage::kIdle && options_.prompt) to_output() += "\n";
  EndCut(stage_ == Stage::kIdle
             ? absl::StrCat(options_.server, " closed the connection; connect again to go on")
             : absl::StrFormat(
                   "%s closed the connection before its %s; is it the right port? look at its log",
                   options_.server, Awaited()));
}

void FrameTalk::OnBroken(int error) {
  if (stage_ == Stage::kIdle && options_.prompt) to_output() += "\n";
  EndCut(BrokenText(options_.server, error,
                    stage_ == Stage::kAnswer ? "the last command may or may not have been done"
                                             : "no command was under way"));
}

}  // namespace handshake::client

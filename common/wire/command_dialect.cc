#include "common/wire/command_dialect.h"

#include "common/text/utf8.h"
#include "common/wire/limits.h"
#include "common/wire/verdict.h"

namespace handshake::wire {
namespace {

constexpr std::string_view kFrameEnd = "\r\n";

std::string_view FaultCode(CommandFrame::Fault fault) {
  return fault == CommandFrame::Fault::kNotUtf8 ? "NOT_UTF8" : "MALFORMED";
}

std::string_view FaultText(CommandFrame::Fault fault) {
  switch (fault) {
    case CommandFrame::Fault::kEmptyCommand:
      return " is empty: a command belongs there";
    case CommandFrame::Fault::kBareLineFeed:
      return " ends with LF: lines end with CR LF";
    case CommandFrame::Fault::kNulByte:
      return " has a NUL byte";
    case CommandFrame::Fault::kNoColon:
      return " has no colon: a header is NAME: VALUE";
    case CommandFrame::Fault::kNoName:
      return " has no name before its colon: a header is NAME: VALUE";
    case CommandFrame::Fault::kNotUtf8:
      return " is not UTF-8";
    case CommandFrame::Fault::kNone:
      break;
  }
  return "";
}

std::string_view WithoutSpaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

size_t CommandFrame::Scan(std::string_view input) {
  if (scanned_ == 0) *this = {};
  while (true) {
    const size_t line_feed = input.find('\n', scanned_);
    if (line_feed == std::string_view::npos) {
      scanned_ = static_cast<uint16_t>(input.size());
      return 0;
    }
    std::string_view line = input.substr(line_begin_, line_feed - line_begin_);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    } else {
      Note(Fault::kBareLineFeed);
    }
    scanned_ = line_begin_ = static_cast<uint16_t>(line_feed + 1);
    if (line_ == 1) command_length_ = static_cast<uint16_t>(line.size());
    if (line.empty()) {
      if (line_ == 1) Note(Fault::kEmptyCommand);
      scanned_ = 0;  // the next call begins a frame
      return line_feed + 1;
    }
    JudgeLine(line);
    ++line_;
  }
}

void CommandFrame::JudgeLine(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) Note(Fault::kNulByte);
  if (!text::IsUtf8(line)) Note(Fault::kNotUtf8);
  if (line_ == 1) {
    if (WithoutSpaces(line).empty()) Note(Fault::kEmptyCommand);
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) Note(Fault::kNoColon);
  if (colon == 0) Note(Fault::kNoName);
}

void CommandFrame::Note(Fault fault) {
  if (fault_ != Fault::kNone) return;
  fault_ = fault;
  fault_line_ = line_;
}

void CommandDialect::Greet(const CommandOptions& options, Answer& answer) {
  answer.Add("OK handshake ");
  answer.Add(options.version);
  answer.Add("\r\n");
  answer.Add(kFrameEnd);
}

Judged CommandDialect::Judge(const CommandOptions& options, const Unjudged& unjudged,
                             Answer& answer) {
  const size_t used = frame_.Scan(unjudged.input);
  if (used == 0 && unjudged.input.size() < kMostConversationBytes) return {};
  if (used == 0) {
    answer.Add("ERROR OVERSIZE line ");
    answer.AddNumber(frame_.line());
    answer.Add(" is beyond 8192 bytes, the most that a message may have\r\n");
    answer.Add(kFrameEnd);
    return {.what = Judged::What::kFailure, .verdict = Verdict::kOversize};
  }
  AfterCommand after = AfterCommand::kGoOn;
  if (frame_.fault() == CommandFrame::Fault::kNone) {
    after = Run(options, unjudged.input.substr(0, frame_.command_length()), answer);
  } else {
    answer.Add("ERROR ");
    answer.Add(FaultCode(frame_.fault()));
    answer.Add(" line ");
    answer.AddNumber(frame_.fault_line());
    answer.Add(FaultText(frame_.fault()));
    answer.Add("\r\n");
  }
  answer.Add(kFrameEnd);
  const bool closes = after == AfterCommand::kClose;
  return {.what = closes ? Judged::What::kFarewell : Judged::What::kMessage, .used = used};
}

AfterCommand CommandDialect::Run(const CommandOptions& options, std::string_view command,
                                 Answer& answer) {
  command = WithoutSpaces(command);
  const size_t space = std::min(command.find(' '), command.size());
  const CommandCall call = {.arguments = WithoutSpaces(command.substr(space)),
                            .options = options,
                            .state = state_,
                            .answer = answer};
  if (const Command* known = FindCommand(command.substr(0, space))) return known->run(call);
  call.Error("UNKNOWN_COMMAND", "there is no such command: HELP lists them");
  return AfterCommand::kGoOn;
}

void CommandDialect::Fail(std::string_view code, std::string_view text, Answer& answer) {
  for (const std::string_view part : {std::string_view("ERROR "), code, std::string_view(" "), text,
                                      std::string_view("\r\n"), kFrameEnd}) {
    answer.Add(part);
  }
}

}  // namespace handshake::wire

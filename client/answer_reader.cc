#include "client/answer_reader.h"

#include <optional>
#include <utility>

#include "client/talk_text.h"

namespace handshake::client {
namespace {

constexpr std::string_view kOk = "OK";
constexpr std::string_view kError = "ERROR";

bool IsWordOf(std::string_view word, std::string_view line) {
  return line.starts_with(word) && (line.size() == word.size() || line[word.size()] == ' ');
}

}  // namespace

bool IsOk(std::string_view first) { return IsWordOf(kOk, first); }

std::string Printed(const Answer& answer) {
  std::string text;
  if (answer.first.size() > kOk.size() + 1) text = answer.first.substr(kOk.size() + 1) + "\n";
  for (const std::string& header : answer.headers) text += header + "\n";
  return text.empty() ? std::string(kOk) + "\n" : text;
}

AnswerReader::Result AnswerReader::Next(Answer* answer) {
  std::optional<Answer> read;
  std::string_view left = held_;
  for (size_t end = 0; (end = left.find('\n')) != std::string_view::npos;) {
    const std::string_view line = WithoutTerminator(left.substr(0, end + 1));
    left.remove_prefix(end + 1);
    if (held_.size() - left.size() > kMaxFrameBytes) return Result::kNoAnswer;
    if (!read) {
      if (!IsOk(line) && !IsWordOf(kError, line)) return Result::kNoAnswer;
      read = Answer{std::string(line), {}};
    } else if (!line.empty()) {
      read->headers.emplace_back(line);
    } else {
      held_.erase(0, held_.size() - left.size());
      *answer = *std::move(read);
      return Result::kAnswer;
    }
  }
  return held_.size() < kMaxFrameBytes ? Result::kNone : Result::kNoAnswer;
}

}  // namespace handshake::client

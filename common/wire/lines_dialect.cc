#include "common/wire/lines_dialect.h"

#include "common/text/utf8.h"
#include "common/wire/limits.h"
#include "common/wire/verdict.h"

namespace handshake::wire {

Judged LinesDialect::Judge(const LinesOptions& options, const Unjudged& unjudged, Answer& answer) {
  const std::string_view input = unjudged.input;
  const size_t line_feed = input.find('\n', scanned_);
  if (line_feed != std::string_view::npos) {
    const bool carriage_return = line_feed > 0 && input[line_feed - 1] == '\r';
    const size_t length = line_feed - (carriage_return ? 1 : 0);
    return JudgeLine(options, input.substr(0, length), input.substr(length, line_feed + 1 - length),
                     unjudged.pong_due, answer);
  }
  scanned_ = static_cast<uint16_t>(input.size());
  if (input.size() >= kMostConversationBytes) {
    answer.Add("ERROR OVERSIZE line ");
    answer.AddNumber(line_number_);
    answer.Add(" has more than 8192 bytes\n");
    return {.what = Judged::What::kFailure, .verdict = Verdict::kOversize};
  }
  if (unjudged.last) return JudgeLine(options, input, "", unjudged.pong_due, answer);
  return {};
}

Judged LinesDialect::JudgeLine(const LinesOptions& options, std::string_view line,
                               std::string_view end, bool pong_due, Answer& answer) {
  scanned_ = 0;
  if (!text::IsUtf8(line)) {
    answer.Add("ERROR NOT_UTF8 line ");
    answer.AddNumber(line_number_);
    answer.Add(" is not UTF-8\n");
    return {.what = Judged::What::kFailure, .verdict = Verdict::kNotUtf8};
  }
  ++line_number_;
  const size_t used = line.size() + end.size();
  if (line == "exit") return {.what = Judged::What::kFarewell, .used = used};
  if (pong_due && line == "PONG") return {.what = Judged::What::kPong, .used = used};
  if (options.sink != nullptr) {
    options.sink->Take(line);
  } else {
    answer.Add(line);
    answer.Add(end.empty() ? "\n" : end);
  }
  return {.what = Judged::What::kMessage, .used = used};
}

void LinesDialect::Ping(Answer& answer) { answer.Add("PING\n"); }

void LinesDialect::Fail(std::string_view code, std::string_view text, Answer& answer) {
  for (const std::string_view part :
       {std::string_view("ERROR "), code, std::string_view(" "), text, std::string_view("\n")}) {
    answer.Add(part);
  }
}

}  // namespace handshake::wire

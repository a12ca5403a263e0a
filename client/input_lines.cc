#include "client/input_lines.h"

#include "absl/strings/str_cat.h"
#include "common/text/utf8.h"

namespace handshake::client {

void InputLines::Add(std::string_view bytes) {
  held_.erase(0, taken_);
  taken_ = 0;
  held_ += bytes;
}

InputLines::Result InputLines::Next(std::string_view* line) {
  const std::string_view left = std::string_view(held_).substr(taken_);
  const size_t end = left.find('\n');
  const bool complete = end != std::string_view::npos;
  const size_t bytes = (complete ? end : left.size()) + 1;  // as if it had its LF
  if (bytes > max_bytes_) {
    ++number_;
    return Result::kTooLong;
  }
  if (!complete && (!ended_ || left.empty())) return Result::kNone;
  *line = left.substr(0, bytes);
  taken_ += line->size();
  ++number_;
  return text::IsUtf8(*line) ? Result::kLine : Result::kNotUtf8;
}

std::string InputLines::Problem(Result result) const {
  if (result == Result::kNotUtf8) {
    return absl::StrCat("line ", number_,
                        " of the input is not UTF-8: it and what follows is not "
                        "sent; convert it, for example with iconv");
  }
  return absl::StrCat("line ", number_, " of the input is longer than ", max_bytes_,
                      " bytes: it and what follows is not sent; make it shorter");
}

}  // namespace handshake::client

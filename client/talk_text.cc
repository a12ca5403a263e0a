#include "client/talk_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"
#include "common/text/duration.h"

namespace handshake::client {

bool IsErrorLine(std::string_view line) {
  constexpr std::string_view kError = "ERROR ";
  if (!line.starts_with(kError)) return false;
  const std::string_view code =
      line.substr(kError.size(), line.find(' ', kError.size()) - kError.size());
  return !code.empty() && std::all_of(code.begin(), code.end(), [](char c) {
    return ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '_';
  });
}

std::string_view WithoutTerminator(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string BrokenText(std::string_view server, int error, std::string_view lost) {
  const bool reset = error == ECONNRESET;
  return absl::StrFormat(
      "the connection to %s was %s: %s; look at the server's log, then connect again", server,
      reset ? "reset by the server" : absl::StrFormat("lost (%s)", std::strerror(error)), lost);
}

std::string SilentText(std::string_view server, std::string_view what,
                       std::chrono::nanoseconds timeout) {
  return absl::StrFormat(
      "no %s from %s within %s; is it the right port? a longer --timeout waits on", what, server,
      text::FormatDuration(timeout));
}

}  // namespace handshake::client

#include "control/report/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "control/report/humane.h"

namespace handshake::report {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool TerminalIsDumb() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) == "dumb";
}

size_t WidthOf(int fd) {
  winsize size{};
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kMaxWidth;
}

// The first characters of UTF-8.
std::string_view FirstColumns(std::string_view text, size_t columns) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts && columns-- == 0) return text.substr(0, i);
  }
  return text;
}

PrintResult WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EPIPE ? PrintResult::kReaderGone : PrintResult::kFailed;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return PrintResult::kPrinted;
}

}  // namespace

Style StdoutStyle(ColourChoice choice) {
  switch (choice) {
    case ColourChoice::kAlways:
      return {.colour = true};
    case ColourChoice::kNever:
      return {.colour = false};
    case ColourChoice::kAuto:
      break;
  }
  return {.colour = isatty(STDOUT_FILENO) == 1 && !IsSet("NO_COLOR") && !TerminalIsDumb()};
}

PrintResult Print(std::string_view text) { return WriteAll(STDOUT_FILENO, text); }

void PrintError(std::string_view program, std::string_view text) {
  // There is nobody left to tell if this fails.
  (void)WriteAll(STDERR_FILENO, std::string(program) + ": " + Printable(text) + "\n");
}

LiveLine::LiveLine() : visible_(isatty(STDERR_FILENO) == 1 && !TerminalIsDumb()) {}

size_t LiveLine::width() const { return std::max<size_t>(WidthOf(STDERR_FILENO), 2) - 1; }

void LiveLine::Draw(std::string_view line) {
  if (!visible_) return;
  (void)WriteAll(STDERR_FILENO, "\r" + std::string(FirstColumns(line, width())) + "\x1b[K");
  drawn_ = true;
}

void LiveLine::Wipe() {
  if (!drawn_) return;
  (void)WriteAll(STDERR_FILENO, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace handshake::report

// Where a command's output goes: stdout that may be a closed pipe, a line that draws over itself,
// colour only where it is wanted. Used by one thread.
#ifndef HANDSHAKE_CONTROL_REPORT_TERMINAL_H_
#define HANDSHAKE_CONTROL_REPORT_TERMINAL_H_

#include <cstddef>
#include <string_view>

#include "control/report/table.h"

namespace handshake::report {

enum class ColourChoice { kAuto, kAlways, kNever };

// kAuto: stdout is a terminal, NO_COLOR is not set (or empty) and TERM is not "dumb".
Style StdoutStyle(ColourChoice choice);

enum class PrintResult {
  kPrinted,
  kReaderGone,  // the pipe is closed: whoever read has enough, the command may end quietly
  kFailed,      // for example a full disk; errno says which
};

// Writes all of `text` to stdout at once. Needs SIGPIPE to be ignored (Interrupts does that).
PrintResult Print(std::string_view text);

// "PROGRAM: TEXT" as one line on stderr.
void PrintError(std::string_view program, std::string_view text);

// One line on stderr that is drawn over itself; nothing at all unless stderr is a terminal. The
// line is wiped when this dies, so that what follows starts on a clean one.
class LiveLine {
 public:
  LiveLine();
  ~LiveLine() { Wipe(); }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  bool visible() const { return visible_; }
  size_t width() const;              // columns: the terminal's but for the last
  void Draw(std::string_view line);  // UTF-8, a character a column; cut to the width
  void Wipe();

 private:
  const bool visible_;
  bool drawn_ = false;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_TERMINAL_H_

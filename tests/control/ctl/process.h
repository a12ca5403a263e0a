// Runs one of our binaries as a person or a script would, and keeps what it said.
#ifndef HANDSHAKE_TESTS_CONTROL_CTL_PROCESS_H_
#define HANDSHAKE_TESTS_CONTROL_CTL_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/unique_fd.h"

namespace handshake::testing {

struct Ended {
  int exit_code = -1;  // 128 + n if signal n ended it, -1 if it had to be killed
  std::string out;     // on a terminal: stdout and stderr together
  std::string err;
};

class Process {
 public:
  struct Options {
    std::map<std::string, std::string> environment{};  // beside PATH; nothing else is inherited
    bool terminal = false;                             // stdout and stderr are a terminal
    bool closed_stdout = false;                        // stdout is a pipe that nobody reads
    bool input = false;  // stdin is what Write() gives, with `terminal` that terminal; else empty
  };

  Process(const std::string& binary, const std::vector<std::string>& arguments,
          const Options& options);
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // To its stdin; false: it takes no more.
  bool Write(std::string_view bytes);
  void EndInput();  // on a terminal: Ctrl-D
  // Reads until stdout has had `text`; false if it ended, or after `timeout`.
  bool WaitForOutput(std::string_view text,
                     std::chrono::milliseconds timeout = std::chrono::seconds(20));
  // What was read from stdout so far.
  const std::string& output() const { return ended_.out; }
  // Reads to the end and reaps it; after `timeout` it is killed.
  Ended Wait(std::chrono::milliseconds timeout = std::chrono::seconds(20));

 private:
  // Reads what there is until `end`; false at the end of both streams or of the time.
  bool ReadSome(std::chrono::steady_clock::time_point end);

  pid_t pid_ = -1;
  const bool terminal_;
  net::UniqueFd in_;
  net::UniqueFd out_;
  net::UniqueFd err_;
  Ended ended_;
};

Ended RunToEnd(const std::string& binary, const std::vector<std::string>& arguments,
               const Process::Options& options = {});

}  // namespace handshake::testing

#endif  // HANDSHAKE_TESTS_CONTROL_CTL_PROCESS_H_

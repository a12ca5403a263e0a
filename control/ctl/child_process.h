// Another of our binaries, started for the time of a command.
#ifndef HANDSHAKE_CONTROL_CTL_CHILD_PROCESS_H_
#define HANDSHAKE_CONTROL_CTL_CHILD_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/net/unique_fd.h"
#include "control/report/interrupts.h"

namespace handshake::ctl {

// The path of a binary that lies beside this one.
std::string BesideThisBinary(std::string_view name);

// Used by one thread, the one that started it: the kernel kills the process when that thread is
// gone, even if this process was killed. It is in a process group of its own, so that a Ctrl-C at
// the terminal comes to us alone, may open as many files as the hard limit allows, and has our
// environment without HANDSHAKE_*. Its stdout is read here, its stderr kept to say why it failed.
class ChildProcess {
 public:
  // patience: how long Stop() waits for it to end. NOT_FOUND and others, with the path: it cannot
  // be executed.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(
      const std::string& binary, const std::vector<std::string>& arguments,
      std::chrono::nanoseconds patience = std::chrono::seconds(5));
  ~ChildProcess();  // as Stop()
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The rest of the first line of stdout that begins with `label`. UNAVAILABLE, with what it said
  // last: it ended before. DEADLINE_EXCEEDED.
  absl::StatusOr<std::string> WaitForLine(std::string_view label, std::chrono::nanoseconds timeout);

  // All of its stdout and its exit code (128 + n if signal n ended it), once it has ended by
  // itself. CANCELLED: an interrupt came first; DEADLINE_EXCEEDED: it took longer than `timeout`.
  // In both cases it was stopped.
  struct Result {
    int exit_code = 0;
    std::string out;
    std::string last_words;  // the last line of stderr
  };
  absl::StatusOr<Result> Finish(std::chrono::nanoseconds timeout, report::Interrupts& interrupts);

  // Asks it to end (SIGTERM), waits as long as its patience says, then kills it. Idempotent.
  void Stop();

 private:
  ChildProcess(pid_t pid, net::UniqueFd out, net::UniqueFd err, std::chrono::nanoseconds patience);
  // Reads what stdout has within `timeout`; false at its end.
  bool ReadSome(std::chrono::nanoseconds timeout);
  // Reaps it if it has ended; true if so.
  bool Reap(bool wait);
  std::string LastWords() const;

  pid_t pid_;  // -1 once it was reaped
  net::UniqueFd out_;
  net::UniqueFd err_;
  const std::chrono::nanoseconds patience_;
  std::string read_;
  int exit_code_ = 0;
};

}  // namespace handshake::ctl

#endif  // HANDSHAKE_CONTROL_CTL_CHILD_PROCESS_H_

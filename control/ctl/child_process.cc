#include "control/ctl/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <thread>

#include "absl/strings/str_format.h"

namespace handshake::ctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPoll{20};  // how often its end, and an interrupt, are looked for

// In the child, between fork and exec: only what is safe there. Never returns.
[[noreturn]] void Execute(const char* binary, char* const* arguments, char* const* environment,
                          pid_t parent, int out, int err, int failure) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it was gone before it was asked for
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
      dup2(err, STDERR_FILENO) >= 0) {
    execve(binary, arguments, environment);
  }
  const int why = errno;
  (void)!write(failure, &why, sizeof(why));
  _exit(127);
}

// Ours, but for what would be flags of the child: it is told all by its arguments.
std::vector<char*> EnvironmentOfChild() {
  std::vector<char*> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("HANDSHAKE_")) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

}  // namespace

std::string BesideThisBinary(std::string_view name) {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string_view self(path.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return std::string(self.substr(0, self.rfind('/') + 1)) + std::string(name);
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    const std::string& binary, const std::vector<std::string>& arguments, nanoseconds patience) {
  std::vector<char*> argv = {const_cast<char*>(binary.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  std::array<int, 2> out{};
  std::array<int, 2> failure{};
  if (pipe2(out.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  net::UniqueFd out_read(out[0]);
  const net::UniqueFd out_write(out[1]);
  if (pipe2(failure.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const net::UniqueFd failure_read(failure[0]);
  net::UniqueFd failure_write(failure[1]);
  net::UniqueFd err(memfd_create("stderr", MFD_CLOEXEC));
  if (err.get() < 0) return absl::ErrnoToStatus(errno, "memfd_create");

  const std::vector<char*> environment = EnvironmentOfChild();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "cannot start " + binary);
  if (pid == 0) {
    Execute(argv[0], argv.data(), environment.data(), parent, out_write.get(), err.get(),
            failure_write.get());
  }
  failure_write.reset();
  auto child = std::unique_ptr<ChildProcess>(
      new ChildProcess(pid, std::move(out_read), std::move(err), patience));
  int why = 0;
  if (read(failure_read.get(), &why, sizeof(why)) == sizeof(why)) {
    return absl::ErrnoToStatus(why, "cannot start " + binary);
  }
  return child;
}

ChildProcess::ChildProcess(pid_t pid, net::UniqueFd out, net::UniqueFd err, nanoseconds patience)
    : pid_(pid), out_(std::move(out)), err_(std::move(err)), patience_(patience) {}

ChildProcess::~ChildProcess() { Stop(); }

absl::StatusOr<std::string> ChildProcess::WaitForLine(std::string_view label, nanoseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  while (true) {
    for (size_t begin = 0, eol; (eol = read_.find('\n', begin)) != std::string::npos;
         begin = eol + 1) {
      const std::string_view line = std::string_view(read_).substr(begin, eol - begin);
      if (line.starts_with(label)) return std::string(line.substr(label.size()));
    }
    const nanoseconds left = end - steady_clock::now();
    if (left <= nanoseconds(0)) return absl::DeadlineExceededError("it does not get ready");
    if (!ReadSome(left)) {
      const std::string words = LastWords();
      return absl::UnavailableError(words.empty() ? "it ended at once" : words);
    }
  }
}

absl::StatusOr<ChildProcess::Result> ChildProcess::Finish(nanoseconds timeout,
                                                          report::Interrupts& interrupts) {
  const auto end = steady_clock::now() + timeout;
  while (ReadSome(kPoll)) {
    if (interrupts.happened()) {
      Stop();
      return absl::CancelledError("interrupted");
    }
    if (steady_clock::now() >= end) {
      Stop();
      return absl::DeadlineExceededError("it takes too long");
    }
  }
  Reap(/*wait=*/true);
  return Result{.exit_code = exit_code_, .out = read_, .last_words = LastWords()};
}

void ChildProcess::Stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  const auto end = steady_clock::now() + patience_;
  while (!Reap(/*wait=*/false)) {
    if (steady_clock::now() >= end) {
      kill(pid_, SIGKILL);
      Reap(/*wait=*/true);
      return;
    }
    // Its output is read, so that it does not wait for us; at its end there is nothing to poll.
    if (!ReadSome(kPoll)) std::this_thread::sleep_for(kPoll);
  }
}

bool ChildProcess::ReadSome(nanoseconds timeout) {
  pollfd fd = {out_.get(), POLLIN, 0};
  const auto ms = std::chrono::ceil<milliseconds>(timeout).count();
  if (poll(&fd, 1, static_cast<int>(std::min<int64_t>(ms, INT_MAX))) <= 0) return true;
  std::array<char, 16 * 1024> buffer;
  const ssize_t size = read(out_.get(), buffer.data(), buffer.size());
  if (size > 0) read_.append(buffer.data(), static_cast<size_t>(size));
  return size > 0 || (size < 0 && errno == EINTR);
}

bool ChildProcess::Reap(bool wait) {
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = waitpid(pid_, &status, wait ? 0 : WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return false;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  pid_ = -1;
  return true;
}

std::string ChildProcess::LastWords() const {
  std::array<char, 4096> buffer{};
  const off_t size = lseek(err_.get(), 0, SEEK_CUR);
  const off_t from = std::max<off_t>(size - static_cast<off_t>(buffer.size()), 0);
  const ssize_t got = pread(err_.get(), buffer.data(), buffer.size(), from);
  std::string words(buffer.data(), got > 0 ? static_cast<size_t>(got) : 0);
  while (!words.empty() && words.back() == '\n') words.pop_back();
  return words.substr(words.rfind('\n') + 1);
}

}  // namespace handshake::ctl

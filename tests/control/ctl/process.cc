#include "tests/control/ctl/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace handshake::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Ends {
  net::UniqueFd read;
  net::UniqueFd write;
};

Ends MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) std::abort();
  return {net::UniqueFd(fds[0]), net::UniqueFd(fds[1])};
}

Ends MakeTerminal() {
  int ours = -1;
  int theirs = -1;
  winsize size{.ws_row = 50, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
  if (openpty(&ours, &theirs, nullptr, nullptr, &size) != 0) std::abort();
  for (int fd : {ours, theirs}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return {net::UniqueFd(ours), net::UniqueFd(theirs)};
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Appends what there is; closes the fd at the end of its stream.
void Drain(net::UniqueFd& fd, std::string& to) {
  char bytes[4096];
  const ssize_t n = read(fd.get(), bytes, sizeof(bytes));
  if (n > 0) {
    to.append(bytes, static_cast<size_t>(n));
  } else if (n == 0 || errno != EINTR) {  // a terminal ends with EIO
    fd.reset();
  }
}

}  // namespace

Process::Process(const std::string& binary, const std::vector<std::string>& arguments,
                 const Options& options)
    : terminal_(options.terminal) {
  Ends in = options.input && !options.terminal ? MakePipe() : Ends{};
  Ends out = options.terminal ? MakeTerminal() : MakePipe();
  Ends err = MakePipe();
  if (options.closed_stdout) out.read.reset();

  std::vector<std::string> words = {binary};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = {"PATH=/usr/bin:/bin"};
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (options.input) {
    const int their_in = options.terminal ? out.write.get() : in.read.get();
    posix_spawn_file_actions_adddup2(&actions, their_in, STDIN_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  const int their_err = options.terminal ? out.write.get() : err.write.get();
  posix_spawn_file_actions_adddup2(&actions, their_err, STDERR_FILENO);
  // Here a process that no longer reads is a failed Write(); the process itself starts as usual.
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawn(&pid_, binary.c_str(), &actions, &attributes,
                                Pointers(words).data(), Pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) std::abort();
  in_ = std::move(in.write);
  out_ = std::move(out.read);
  if (!options.terminal) err_ = std::move(err.read);
}

Process::~Process() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Process::Signal(int signal) const { kill(pid_, signal); }

bool Process::Write(std::string_view bytes) {
  const int fd = terminal_ ? out_.get() : in_.get();
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void Process::EndInput() {
  if (terminal_) Write("\x04");
  in_.reset();
}

bool Process::ReadSome(steady_clock::time_point end) {
  const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
  if (left <= milliseconds(0) || (!out_ && !err_)) return false;
  pollfd fds[] = {{out_ ? out_.get() : -1, POLLIN, 0}, {err_ ? err_.get() : -1, POLLIN, 0}};
  if (poll(fds, 2, static_cast<int>(left.count())) <= 0) return true;
  if (fds[0].revents != 0) Drain(out_, ended_.out);
  if (fds[1].revents != 0) Drain(err_, ended_.err);
  return true;
}

bool Process::WaitForOutput(std::string_view text, milliseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  while (ended_.out.find(text) == std::string::npos) {
    if (!ReadSome(end)) return false;
  }
  return true;
}

Ended Process::Wait(milliseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  while (ReadSome(end)) continue;
  if (out_ || err_) kill(pid_, SIGKILL);  // it still holds its streams: too late
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status)) ended_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
    ended_.exit_code = 128 + WTERMSIG(status);
  }
  return ended_;
}

Ended RunToEnd(const std::string& binary, const std::vector<std::string>& arguments,
               const Process::Options& options) {
  return Process(binary, arguments, options).Wait();
}

}  // namespace handshake::testing

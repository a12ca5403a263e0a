#include "tests/server/storm/load_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace handshake::test {
namespace {

constexpr std::chrono::seconds kFinishTimeout{60};

std::array<net::UniqueFd, 2> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    std::perror("pipe2");
    std::abort();
  }
  return {net::UniqueFd(fds[0]), net::UniqueFd(fds[1])};
}

}  // namespace

Tally::Tally(const std::string& line) : line_(line) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals != word.npos) values_[word.substr(0, equals)] = std::stoll(word.substr(equals + 1));
  }
}

int64_t Tally::operator[](const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? 0 : found->second;
}

int64_t Tally::lost() const {
  int64_t sum = 0;
  for (const auto& [key, value] : values_) {
    if (key.starts_with("lost_")) sum += value;
  }
  return sum;
}

LoadProcess::LoadProcess(const net::Address& server, const LoadShape& shape) {
  auto [command_reader, command_writer] = MakePipe();
  auto [tally_reader, tally_writer] = MakePipe();
  // Everything that allocates comes before fork(): threads of the server may hold locks.
  const std::array<std::string, 6> words = {STORM_LOAD_BINARY,
                                            server.ToString(),
                                            std::to_string(shape.busy),
                                            std::to_string(shape.held),
                                            std::to_string(shape.silence_ms),
                                            std::to_string(shape.one_byte)};
  std::array<char*, words.size() + 1> argv{};
  for (size_t i = 0; i < words.size(); ++i) argv[i] = const_cast<char*>(words[i].c_str());
  pid_ = fork();
  if (pid_ == 0) {
    dup2(command_reader.get(), STDIN_FILENO);
    dup2(tally_writer.get(), STDOUT_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  commands_ = std::move(command_writer);
  tally_ = std::move(tally_reader);
}

LoadProcess::~LoadProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void LoadProcess::Nudge() { [[maybe_unused]] const ssize_t n = write(commands_.get(), "n", 1); }

Tally LoadProcess::Finish() {
  commands_.reset();
  std::string line;
  const auto until = std::chrono::steady_clock::now() + kFinishTimeout;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wait{.fd = tally_.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return Tally("");
    char buffer[4096];
    const ssize_t n = read(tally_.get(), buffer, sizeof(buffer));
    if (n <= 0) break;
    line.append(buffer, static_cast<size_t>(n));
  }
  return Tally(line);
}

}  // namespace handshake::test

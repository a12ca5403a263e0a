#include "client/duplex.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/net/reactor.h"

namespace handshake::client {
namespace {

using Clock = std::chrono::steady_clock;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// One call of RunDuplex().
class Duplex {
 public:
  Duplex(Talk& talk, int input, int output, net::UniqueFd socket)
      : talk_(talk), input_(input), output_(output), socket_(std::move(socket)) {}

  TalkEnd Run() {
    while (!end_ && (!talk_.end() || !talk_.to_output().empty())) {
      ShutDownIfAllIsSent();
      Turn();
    }
    // Whose output cannot be written has still heard how the talk ended before that.
    return talk_.end() ? *talk_.end() : *end_;
  }

 private:
  bool talking() const { return !talk_.end(); }
  bool WantsInput() const {
    return talking() && !input_ended_ && send_error_ == 0 && talk_.WantsInput() &&
           talk_.to_server().size() < kMaxHeldBytes;
  }
  short SocketEvents() const {
    if (!talking()) return 0;
    const bool reads = talk_.to_output().size() < kMaxHeldBytes;
    const bool sends = send_error_ == 0 && !talk_.to_server().empty();
    return static_cast<short>((reads ? POLLIN : 0) | (sends ? POLLOUT : 0));
  }

  // Waits until something can be done, and does it. The output first: that makes room.
  void Turn() {
    const short output_events = talk_.to_output().empty() ? 0 : POLLOUT;
    const short socket_events = SocketEvents();
    pollfd waiting[] = {
        {.fd = WantsInput() ? input_ : -1, .events = POLLIN, .revents = 0},
        // Always watched: a reader that leaves is noticed though nothing is to be printed.
        {.fd = output_, .events = output_events, .revents = 0},
        // A broken connection is always ready: not watched while nothing can be done about it.
        {.fd = socket_events == 0 ? -1 : socket_.get(), .events = socket_events, .revents = 0}};
    const std::optional<Talk::TimePoint> deadline = talking() ? talk_.deadline() : std::nullopt;
    poll(waiting, std::size(waiting), net::TimeoutMs(deadline, Clock::now()));
    if (waiting[1].revents != 0) Print(waiting[1].revents);
    if (end_ || !talking()) return;
    if ((socket_events & POLLOUT) != 0 && waiting[2].revents != 0) Send();
    if ((socket_events & POLLIN) != 0 && (waiting[2].revents & ~POLLOUT) != 0) Receive();
    if (talking() && waiting[0].revents != 0) ReadInput();
    if (talking() && deadline && talk_.deadline() == deadline && Clock::now() >= *deadline) {
      talk_.OnTime();
    }
  }

  void ShutDownIfAllIsSent() {
    if (shut_ || !talk_.said_all() || !talk_.to_server().empty()) return;
    shutdown(socket_.get(), SHUT_WR);  // of a broken connection: receiving tells
    shut_ = true;
  }

  void ReadInput() {
    const ssize_t n = read(input_, bytes_.data(), bytes_.size());
    if (n < 0 && WouldBlock(errno)) return;
    if (n < 0 && errno != EBADF) {  // closed before we were started: like an empty one
      end_ = TalkEnd{TalkEnd::Kind::kBadInput,
                     absl::StrCat("cannot read standard input: ", std::strerror(errno))};
    } else if (n <= 0) {
      input_ended_ = true;
      talk_.OnInputEnd(Clock::now());
    } else {
      talk_.OnInput({bytes_.data(), static_cast<size_t>(n)}, Clock::now());
    }
  }

  // At most what a pipe takes without blocking once it is ready.
  void Print(short revents) {
    std::string& text = talk_.to_output();
    const bool reader_gone = (revents & (POLLERR | POLLHUP)) != 0;
    if (!reader_gone && text.empty() && (revents & POLLNVAL) == 0) return;
    const ssize_t n =
        reader_gone ? -1 : write(output_, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (reader_gone || (n < 0 && errno == EPIPE)) {
      end_ = TalkEnd{};
    } else if (n < 0 && !WouldBlock(errno)) {
      end_ = TalkEnd{TalkEnd::Kind::kCut,
                     absl::StrCat("cannot write standard output: ", std::strerror(errno))};
    } else if (n > 0) {
      text.erase(0, static_cast<size_t>(n));
      talk_.OnProgress(Clock::now());
    }
  }

  void Send() {
    std::string& bytes = talk_.to_server();
    const ssize_t n = send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      // What the server said before it broke is still to be received.
      if (!WouldBlock(errno)) send_error_ = errno;
      return;
    }
    bytes.erase(0, static_cast<size_t>(n));
    talk_.OnProgress(Clock::now());
  }

  void Receive() {
    const ssize_t n = recv(socket_.get(), bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    if (n > 0) return talk_.OnReceived({bytes_.data(), static_cast<size_t>(n)}, Clock::now());
    if (n < 0 && WouldBlock(errno)) return;
    // A break is told once, to whichever call comes first; EPIPE stands for a server that had sent
    // its FIN before.
    const int error = n < 0 ? errno : send_error_;
    error == 0 || error == EPIPE ? talk_.OnFin() : talk_.OnBroken(error);
  }

  Talk& talk_;
  const int input_;
  const int output_;
  const net::UniqueFd socket_;
  bool input_ended_ = false;
  bool shut_ = false;
  int send_error_ = 0;          // errno; nothing more can be sent
  std::optional<TalkEnd> end_;  // because of input or output
  std::array<char, kReadBytes> bytes_;
};

}  // namespace

TalkEnd RunDuplex(Talk& talk, int input, int output, net::UniqueFd socket) {
  return Duplex(talk, input, output, std::move(socket)).Run();
}

}  // namespace handshake::client

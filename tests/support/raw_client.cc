#include "tests/support/raw_client.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace handshake::test {

std::string_view StreamEndName(StreamEnd end) {
  constexpr std::array<std::string_view, 3> kNames = {"FIN", "RST", "still open"};
  return kNames[static_cast<size_t>(end)];
}

RawClient::RawClient(const net::Address& server)
    : fd_(socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience = {.tv_sec = kPatience.count(), .tv_usec = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const int on = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (!fd_ || connect(fd_.get(), server.data(), server.size()) != 0) error_ = errno;
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string RawClient::Receive(size_t n) {
  std::string bytes;
  while (bytes.size() < n) {
    const std::string more = ReadOnce(n - bytes.size());
    if (more.empty()) break;
    bytes += more;
  }
  return bytes;
}

std::string RawClient::ReadOnce(size_t n) {
  std::string bytes(n, '\0');
  if (!AwaitReadable()) return {};
  const ssize_t got = recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

RawClient::Rest RawClient::ReceiveAll() {
  Rest rest = {.bytes = {}, .end = StreamEnd::kOpen};
  std::array<char, 4'096> buffer;
  while (AwaitReadable()) {
    const ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      rest.bytes.append(buffer.data(), static_cast<size_t>(n));
    } else {
      rest.end = n == 0 ? StreamEnd::kFin : StreamEnd::kReset;
      break;
    }
  }
  return rest;
}

void RawClient::ShutWrite() { shutdown(fd_.get(), SHUT_WR); }

void RawClient::Close() { fd_.reset(); }

void RawClient::Reset() {
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  fd_.reset();
}

bool RawClient::AwaitReadable() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd fd = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int ready = poll(&fd, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    return ready > 0;
  }
}

}  // namespace handshake::test

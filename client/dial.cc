#include "client/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <iterator>

#include "common/net/reactor.h"

namespace handshake::client {
namespace {

using Clock = std::chrono::steady_clock;

void SetOption(int fd, int level, int option, int value) {
  // Both options only save work; a kernel without them serves as well.
  setsockopt(fd, level, option, &value, sizeof(value));
}

}  // namespace

Dialled StartConnect(const net::Address& target, const net::Address* source) {
  net::UniqueFd fd(
      socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return {.fd = {}, .error = errno};
  // The ACK of the server's SYN-ACK waits for HELLO X and rides on it: one segment less.
  SetOption(fd.get(), IPPROTO_TCP, TCP_QUICKACK, 0);
  if (source != nullptr) {
    SetOption(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd.get(), source->data(), source->size()) != 0) return {.fd = {}, .error = errno};
  }
  if (connect(fd.get(), target.data(), target.size()) != 0 && errno != EINPROGRESS) {
    return {.fd = {}, .error = errno};
  }
  return {.fd = std::move(fd), .error = 0};
}

int ConnectProgress(int fd, const net::Address& target) {
  // A second connect() tells how the first one fares.
  if (connect(fd, target.data(), target.size()) == 0 || errno == EISCONN) return 0;
  return errno == EINPROGRESS ? EALREADY : errno;
}

Waited WaitUntil(int fd, short events, Clock::time_point deadline, const net::WakeEvent* stop) {
  pollfd waiting[] = {{.fd = fd, .events = events, .revents = 0},
                      {.fd = stop == nullptr ? -1 : stop->fd(), .events = POLLIN, .revents = 0}};
  while (true) {
    poll(waiting, std::size(waiting), net::TimeoutMs(deadline, Clock::now()));
    if (waiting[1].revents != 0) return Waited::kStopped;
    if (waiting[0].revents != 0) return Waited::kReady;
    if (Clock::now() >= deadline) return Waited::kTimedOut;
  }
}

Dialled Establish(const net::Address& target, Clock::time_point deadline,
                  const net::WakeEvent* stop) {
  Dialled dialled = StartConnect(target, nullptr);
  if (!dialled.fd) return dialled;
  int error = 0;
  while ((error = ConnectProgress(dialled.fd.get(), target)) == EALREADY) {
    const Waited waited = WaitUntil(dialled.fd.get(), POLLOUT, deadline, stop);
    if (waited == Waited::kStopped) return {.fd = {}, .error = ECANCELED};
    if (waited == Waited::kTimedOut) return {.fd = {}, .error = ETIMEDOUT};
  }
  if (error != 0) return {.fd = {}, .error = error};
  return dialled;
}

wire::Verdict VerdictOfConnectError(int error) {
  switch (error) {
    case ECONNREFUSED:
      return wire::Verdict::kConnectRefused;
    case ETIMEDOUT:
      return wire::Verdict::kConnectTimeout;
    case ECONNRESET:  // it was established, and broken before we looked
    case EPIPE:
      return wire::Verdict::kPeerResetStep1;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN:  // no free port, says connect()
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return wire::Verdict::kNoLocalResource;
    default:
      return wire::Verdict::kUnreachable;
  }
}

}  // namespace handshake::client

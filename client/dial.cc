#include "client/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace handshake::client {
namespace {

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

#include "server/door/listener.h"

#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace handshake::server {
namespace {

// The kernel cuts it to net.core.somaxconn, which is the limit that an operator sets.
constexpr int kBacklog = 65'535;

absl::Status OpenError(const net::Address& address, const char* operation, int error) {
  const std::string where = address.ToString();
  switch (error) {
    case EADDRINUSE:
      return absl::AlreadyExistsError(absl::StrFormat(
          "cannot listen on %s: the address is taken; stop what listens there (ss -ltnp shows it) "
          "or choose another",
          where));
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(absl::StrFormat(
          "cannot listen on %s: not an address of this machine (ip address shows them)", where));
    case EACCES:
      return absl::PermissionDeniedError(absl::StrFormat(
          "cannot listen on %s: the port needs privileges; choose one from 1024 up", where));
    default:
      return absl::ErrnoToStatus(error,
                                 absl::StrFormat("cannot listen on %s: %s", where, operation));
  }
}

int SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : errno;
}

bool ReadTcpInfo(int fd, tcp_info& info) {
  socklen_t size = sizeof(info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
}

}  // namespace

absl::StatusOr<Listener> Listener::Open(const ListenerOptions& options) {
  const net::Address& address = options.address;
  Listener listener;
  listener.fd_.reset(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = listener.fd();
  if (fd < 0) return OpenError(address, "socket", errno);
  // No SO_REUSEPORT: a second server on the same port must fail, not share it. Connections inherit
  // the rest: no delay for their one small write, and an ACK that waits for it to ride on.
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  if (address.family() == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd, address.data(), address.size()) != 0) return OpenError(address, "bind", errno);
  if (listen(fd, kBacklog) != 0) return OpenError(address, "listen", errno);
  listener.address_ = net::Address::OfSocket(fd);
  listener.framing_ = options.handshake.framing;
  listener.protocol_ = std::make_unique<wire::HandshakeProtocol>(options.handshake);
  return listener;
}

ListenerStats Listener::Stats() const {
  ListenerStats stats;
  stats.address = address_.ToString();
  stats.protocol = protocol_->name();
  stats.framing = wire::FramingName(framing_);
  tcp_info info{};
  if (ReadTcpInfo(fd(), info)) {  // of a listener: the queue and its limit
    stats.accept_queue = info.tcpi_unacked;
    stats.accept_queue_limit = info.tcpi_sacked;
  }
  std::array<uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof(memory);
  if (getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0) {
    stats.dropped = memory[SK_MEMINFO_DROPS];
  }
  return stats;
}

int64_t Listener::QueueLength() const {
  tcp_info info{};
  return ReadTcpInfo(fd(), info) ? info.tcpi_unacked : 0;
}

void Listener::RefuseNew() { listen(fd(), 0); }

void Listener::Shut() { shutdown(fd(), SHUT_RDWR); }

}  // namespace handshake::server

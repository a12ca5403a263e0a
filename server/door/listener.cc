#include "server/door/listener.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

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

// Tells the kernel which socket of the group that `fd` belongs to gets a new connection: the one
// whose place in the group is its CPU's place in `cpus`. From a CPU that is not there, and where
// the program is refused, it goes by a hash of the addresses.
void SteerByCpu(int fd, std::span<const int> cpus) {
  std::vector<sock_filter> code;
  code.push_back(
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_CPU)));
  for (size_t i = 0; i < cpus.size(); ++i) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(cpus[i]), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, static_cast<uint32_t>(i)));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, UINT32_MAX));  // no place: the kernel takes its hash
  const sock_fprog program{.len = static_cast<uint16_t>(code.size()), .filter = code.data()};
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

// A peer that vanished without a word is found within a minute and a half.
void KeepAlive(int fd) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 90'000);  // milliseconds: with data on its way too
}

std::shared_ptr<const wire::Protocol> MakeProtocol(const ProtocolOptions& options, int listener) {
  if (const auto* lines = std::get_if<wire::LinesOptions>(&options)) {
    return std::make_shared<const wire::LinesProtocol>(*lines, listener);
  }
  if (const auto* command = std::get_if<wire::CommandOptions>(&options)) {
    return std::make_shared<const wire::CommandProtocol>(*command, listener);
  }
  return std::make_shared<const wire::HandshakeProtocol>(std::get<wire::HandshakeOptions>(options),
                                                         listener);
}

std::string_view FramingOf(const ProtocolOptions& options) {
  const auto* handshake = std::get_if<wire::HandshakeOptions>(&options);
  return handshake == nullptr ? std::string_view() : wire::FramingName(handshake->framing);
}

bool ReadTcpInfo(int fd, tcp_info& info) {
  socklen_t size = sizeof(info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
}

}  // namespace

absl::StatusOr<std::vector<Listener>> Listener::OpenShards(const ListenerOptions& options,
                                                           int number, std::span<const int> cpus) {
  const std::shared_ptr<const wire::Protocol> protocol = MakeProtocol(options.protocol, number);
  std::vector<Listener> shards;
  for (size_t i = 0; i < cpus.size(); ++i) {
    Listener shard;
    shard.shard_ = static_cast<int>(i);
    shard.framing_ = FramingOf(options.protocol);
    shard.protocol_ = protocol;
    const net::Address& address = i == 0 ? options.address : shards.front().address_;
    if (absl::Status status = shard.Listen(address, i > 0); !status.ok()) return status;
    // The first listens alone, so that a second server on the port fails, even one that starts at
    // the same moment; only then it lets others in.
    if (i == 0 && cpus.size() > 1) SetOption(shard.fd(), SOL_SOCKET, SO_REUSEPORT, 1);
    shards.push_back(std::move(shard));
  }
  if (shards.size() > 1) SteerByCpu(shards.front().fd(), cpus);
  return shards;
}

absl::Status Listener::Listen(const net::Address& address, bool joins_others) {
  fd_.reset(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return OpenError(address, "socket", errno);
  // Connections inherit these: no delay for their one small write, and an ACK that waits for it to
  // ride on.
  SetOption(fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(fd(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd(), IPPROTO_TCP, TCP_QUICKACK, 0);
  if (protocol_->long_lived()) KeepAlive(fd());
  if (joins_others) SetOption(fd(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == AF_INET6) SetOption(fd(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd(), address.data(), address.size()) != 0) return OpenError(address, "bind", errno);
  if (listen(fd(), kBacklog) != 0) return OpenError(address, "listen", errno);
  address_ = net::Address::OfSocket(fd());
  return absl::OkStatus();
}

ListenerStats Listener::Stats() const {
  ListenerStats stats;
  stats.address = address_.ToString();
  stats.protocol = protocol_->name();
  stats.framing = framing_;
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

#include "control/rpc/acceptor.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "spdlog/spdlog.h"

namespace handshake::control {
namespace {

constexpr int kBacklog = 1'024;  // a crowd of dashboards that come back at once
constexpr std::chrono::milliseconds kPause{50};

absl::Status ListenError(const net::Address& address, int error) {
  if (error == EADDRINUSE) {
    return absl::AlreadyExistsError(absl::StrFormat(
        "control address %s is taken: stop the process that holds it, or choose another --control "
        "(port 0 picks a free one)",
        address.ToString()));
  }
  return absl::UnavailableError(absl::StrFormat("cannot listen on control address %s: %s",
                                                address.ToString(), std::strerror(error)));
}

}  // namespace

Acceptor::FileId Acceptor::IdOf(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

Acceptor::Acceptor(size_t max_connections) : max_connections_(max_connections) {}

Acceptor::~Acceptor() { Stop(); }

absl::Status Acceptor::Listen(const net::Address& address) {
  if (absl::Status status = stop_.Open(); !status.ok()) return status;
  listener_.reset(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  // Never SO_REUSEPORT: another process must not share the port. Connections inherit no delay.
  if (!listener_ || setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      setsockopt(listener_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
      bind(listener_.get(), address.data(), address.size()) != 0 ||
      listen(listener_.get(), kBacklog) != 0) {
    return ListenError(address, errno);
  }
  return absl::OkStatus();
}

absl::Status Acceptor::Start(Handler handler) {
  handler_ = std::move(handler);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("no thread for the control address: %s", error.what()));
  }
  return absl::OkStatus();
}

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  stop_.Raise();
  thread_.join();
  listener_.reset();
}

void Acceptor::Run() {
  prctl(PR_SET_NAME, "control-accept");
  bool pausing = false;
  while (true) {
    std::array<pollfd, 2> waits = {pollfd{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
    // In a pause the listener stays readable and is not looked at.
    poll(waits.data(), pausing ? 1 : waits.size(), pausing ? static_cast<int>(kPause.count()) : -1);
    if (waits[0].revents != 0) return;
    pausing = (pausing || waits[1].revents != 0) && !AcceptOne();
  }
}

bool Acceptor::AcceptOne() {
  net::UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    const int error = errno;
    const bool shortage = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    if (!shortage) return true;  // it is of that one connection, which is gone
    if (const auto before = log_.Allow(0, std::chrono::steady_clock::now())) {
      spdlog::warn("control accepts nothing: {}; raise ulimit -n (said {} times before)",
                   std::strerror(error), *before);
    }
    return false;
  }
  if (!HasSeat()) {
    if (const auto before = log_.Allow(0, std::chrono::steady_clock::now())) {
      spdlog::warn(
          "control has {} connections, the most there may be: one more was closed (said {} "
          "times before)",
          seats_.size(), *before);
    }
    return true;
  }
  seats_.insert_or_assign(fd.get(), IdOf(fd.get()));
  handler_(fd.release());
  return true;
}

bool Acceptor::HasSeat() {
  if (seats_.size() < max_connections_) return true;
  std::erase_if(seats_, [](const auto& seat) { return IdOf(seat.first) != seat.second; });
  return seats_.size() < max_connections_;
}

}  // namespace handshake::control

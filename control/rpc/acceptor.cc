#include "control/rpc/acceptor.h"

#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/net/reactor.h"
#include "spdlog/spdlog.h"

namespace handshake::control {
namespace {

constexpr int kBacklog = 1'024;  // a crowd of dashboards that come back at once
constexpr std::chrono::milliseconds kPause{50};
// Places in what is waited for.
constexpr size_t kStop = 0;
constexpr size_t kListener = 1;
constexpr size_t kFirstSilent = 2;

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

Acceptor::Acceptor(size_t max_connections, std::chrono::nanoseconds silence)
    : max_connections_(max_connections), silence_(silence) {}

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
    Wait(pausing);
    if (waits_[kStop].revents != 0) return;
    const bool coming = waits_[kListener].revents != 0;
    HearSilent();
    pausing = (pausing || coming) && !AcceptOne();
  }
}

void Acceptor::Wait(bool pausing) {
  waits_ = {{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
            // In a pause the listener stays readable and is not looked at.
            {.fd = pausing ? -1 : listener_.get(), .events = POLLIN, .revents = 0}};
  for (const Silent& silent : silent_) {
    waits_.push_back({.fd = silent.fd.get(), .events = POLLIN, .revents = 0});
  }
  const TimePoint now = std::chrono::steady_clock::now();
  std::optional<TimePoint> until;
  if (!silent_.empty()) until = silent_.front().until;
  if (pausing) until = std::min(until.value_or(TimePoint::max()), now + kPause);
  poll(waits_.data(), waits_.size(), net::TimeoutMs(until, now));
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
  if (silent_.size() == kMaxSilentConnections) silent_.pop_front();
  silent_.push_back({.fd = std::move(fd), .until = std::chrono::steady_clock::now() + silence_});
  return true;
}

void Acceptor::HearSilent() {
  const TimePoint now = std::chrono::steady_clock::now();
  std::deque<Silent> still;
  for (size_t i = 0; i < silent_.size(); ++i) {
    Silent& silent = silent_[i];
    char byte;
    if (waits_[kFirstSilent + i].revents == 0) {
      if (now < silent.until) still.push_back(std::move(silent));
    } else if (recv(silent.fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
      HandOut(std::move(silent.fd));
    }
  }
  silent_ = std::move(still);
}

void Acceptor::HandOut(net::UniqueFd fd) {
  if (!HasSeat()) {
    if (const auto before = log_.Allow(0, std::chrono::steady_clock::now())) {
      spdlog::warn(
          "control has {} connections, the most there may be: one more was closed (said {} "
          "times before)",
          seats_.size(), *before);
    }
    return;
  }
  seats_.insert_or_assign(fd.get(), IdOf(fd.get()));
  handler_(fd.release());
}

bool Acceptor::HasSeat() {
  if (seats_.size() < max_connections_) return true;
  std::erase_if(seats_, [](const auto& seat) { return IdOf(seat.first) != seat.second; });
  return seats_.size() < max_connections_;
}

}  // namespace handshake::control

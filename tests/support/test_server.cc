#include "tests/support/test_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "common/net/reactor.h"
#include "common/wire/message.h"
#include "common/wire/server_handshake.h"

namespace handshake::test {
namespace {

using net::UniqueFd;
using wire::Clock;
using wire::Need;
using wire::ServerHandshake;
using wire::Verdict;

UniqueFd BindFreePort(const char* host, net::Address* address) {
  *address = *net::Address::Parse(std::string(host) + ":0");
  UniqueFd fd(socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;  // TestServer::Leave() binds it again
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd.get(), address->data(), address->size()) != 0) std::abort();
  *address = net::Address::OfSocket(fd.get());
  return fd;
}

void SendAll(const UniqueFd& fd, std::string_view text, int flags = 0) {
  while (!text.empty()) {
    const ssize_t n = send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | flags);
    if (n < 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

// One read; empty at the end of the stream, after a reset and after 10 s of silence.
std::string ReadSome(const UniqueFd& fd) {
  char buffer[wire::kMaxMessageBytes];
  const ssize_t n = recv(fd.get(), buffer, sizeof(buffer), 0);
  return std::string(buffer, n > 0 ? static_cast<size_t>(n) : 0);
}

// One message and the number in it; its LF is read too if there is one.
std::optional<int64_t> ReadNumber(const UniqueFd& fd) {
  std::string text = ReadSome(fd);
  if (text.ends_with('\n')) text.pop_back();
  const wire::ParsedMessage message = wire::ParseMessage(text);
  if (message.verdict != Verdict::kOk) return std::nullopt;
  return message.number;
}

std::string Hello(int64_t number, std::string_view terminator = "\n") {
  return "HELLO " + std::to_string(number) + std::string(terminator);
}

void ReadToTheEnd(const UniqueFd& fd) {
  while (!ReadSome(fd).empty()) {
  }
}

void Reset(UniqueFd& fd) {
  const linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  fd.reset();
}

bool WaitUntil(const UniqueFd& fd, wire::TimePoint deadline) {
  pollfd waiting = {.fd = fd.get(), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, net::TimeoutMs(deadline, Clock::now())) > 0;
}

void ReadInto(ServerHandshake& handshake, const UniqueFd& fd) {
  char bytes[wire::kMaxMessageBytes];
  const ssize_t n = recv(fd.get(), bytes, handshake.ReadSize(), 0);
  if (n > 0) return handshake.OnReceived({bytes, static_cast<size_t>(n)}, Clock::now());
  if (n == 0) return handshake.OnEndOfStream(Clock::now());
  handshake.OnReset(Clock::now());
}

void Write(ServerHandshake& handshake, const UniqueFd& fd) {
  char scratch[wire::Session::kScratchBytes];
  const std::string_view output = handshake.Output(scratch);
  const ssize_t n = send(fd.get(), output.data(), output.size(), MSG_NOSIGNAL);
  if (n < 0) return handshake.OnReset(Clock::now());
  handshake.OnSent(static_cast<size_t>(n), Clock::now());
}

void Discard(ServerHandshake& handshake, const UniqueFd& fd) {
  char buffer[4'096];
  const size_t most = std::min(sizeof(buffer), handshake.DiscardLimit());
  const ssize_t n = recv(fd.get(), buffer, most, 0);
  if (n > 0) return handshake.OnDiscarded(static_cast<size_t>(n), Clock::now());
  if (n == 0) return handshake.OnEndOfStream(Clock::now());
  handshake.OnReset(Clock::now());
}

Verdict Drive(ServerHandshake& handshake, const UniqueFd& fd) {
  while (handshake.need() != Need::kEnd) {
    if (handshake.need() == Need::kWrite) {
      Write(handshake, fd);
    } else if (handshake.need() == Need::kShutdown) {
      shutdown(fd.get(), SHUT_WR);
      handshake.OnShutdown(Clock::now());
    } else if (!WaitUntil(fd, handshake.deadline())) {
      handshake.OnTime(Clock::now());
    } else if (handshake.need() == Need::kDiscard) {
      Discard(handshake, fd);
    } else {
      ReadInto(handshake, fd);
    }
  }
  return handshake.verdict();
}

}  // namespace

TestServer::TestServer(Script script, int threads, const char* host)
    : script_(std::move(script)), listener_(BindFreePort(host, &address_)) {
  if (!stop_.Open().ok() || listen(listener_.get(), SOMAXCONN) != 0) std::abort();
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { AcceptLoop(); });
}

TestServer::~TestServer() {
  stop_.Raise();
  for (std::thread& thread : threads_) thread.join();
}

void TestServer::AcceptLoop() {
  pollfd waiting[] = {{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
                      {.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  while (true) {
    poll(waiting, 2, -1);
    if (waiting[0].revents != 0) return;
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) {
      poll(waiting, 1, 1);  // another thread took it, or no descriptor is free: not in a spin
      continue;
    }
    ++accepted_;
    const timeval patience = {.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (UniqueFd kept = script_(std::move(fd))) {
      std::lock_guard lock(mutex_);
      kept_.push_back(std::move(kept));
    }
  }
}

// A listener that is shut down loses a port that the kernel chose: it is bound anew, and refuses.
void TestServer::Leave() {
  shutdown(listener_.get(), SHUT_RDWR);
  if (bind(listener_.get(), address_.data(), address_.size()) != 0) std::abort();
}

void TestServer::Return() {
  if (listen(listener_.get(), SOMAXCONN) != 0) std::abort();
}

DeadPort::DeadPort() : socket_(BindFreePort("127.0.0.1", &address_)) {}

Script Serve(const wire::HandshakeOptions& options, std::function<void(Verdict)> verdict) {
  return [options, verdict = std::move(verdict)](UniqueFd fd) -> UniqueFd {
    ServerHandshake handshake(options, Clock::now());
    const Verdict outcome = Drive(handshake, fd);
    if (verdict) verdict(outcome);
    if (handshake.ending() == wire::Ending::kReset) Reset(fd);
    return {};
  };
}

Script BehindProof(Script script) {
  return [script = std::move(script), serve = Serve(),
          proven = std::make_shared<std::atomic<bool>>(false)](UniqueFd fd) {
    return proven->exchange(true) ? script(std::move(fd)) : serve(std::move(fd));
  };
}

Script ServeOneAndLeave(TestServer& server) {
  return [&server, serve = Serve()](UniqueFd fd) {
    server.Leave();
    return serve(std::move(fd));
  };
}

Script NeverClose() {
  return [](UniqueFd fd) {
    if (const std::optional<int64_t> x = ReadNumber(fd)) SendAll(fd, Hello(*x + 1));
    return fd;
  };
}

Script NeverAnswer() {
  return [](UniqueFd fd) {
    ReadSome(fd);
    return fd;
  };
}

Script ResetAfterHello() {
  return [](UniqueFd fd) -> UniqueFd {
    ReadSome(fd);
    Reset(fd);
    return {};
  };
}

Script CloseAfterHello() {
  return [](UniqueFd fd) -> UniqueFd {
    ReadSome(fd);
    return {};
  };
}

Script Answer(std::string text) {
  return [text = std::move(text)](UniqueFd fd) -> UniqueFd {
    ReadSome(fd);
    SendAll(fd, text);
    ReadToTheEnd(fd);
    return {};
  };
}

Script CloseBehindReply() {
  return [](UniqueFd fd) -> UniqueFd {
    const std::optional<int64_t> x = ReadNumber(fd);
    if (x) SendAll(fd, Hello(*x + 1), MSG_MORE);
    return {};
  };
}

Script ResetAtTheEnd() {
  return [](UniqueFd fd) -> UniqueFd {
    const std::optional<int64_t> x = ReadNumber(fd);
    if (x) SendAll(fd, Hello(*x + 1));
    ReadSome(fd);
    Reset(fd);
    return {};
  };
}

Script ByteAtATime() {
  return [](UniqueFd fd) -> UniqueFd {
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::optional<int64_t> x = ReadNumber(fd);
    if (!x) return {};
    for (const char byte : Hello(*x + 1)) SendAll(fd, std::string_view(&byte, 1));
    ReadSome(fd);
    return {};
  };
}

Script Garbage(size_t bytes) { return Answer(std::string(bytes, 'x')); }

Script Teaching() {
  return [](UniqueFd fd) -> UniqueFd {
    const std::optional<int64_t> x = ReadNumber(fd);
    if (!x) return {};
    SendAll(fd, Hello(*x + 1, ""));
    if (ReadSome(fd) != Hello(*x + 2, "")) Reset(fd);
    return {};
  };
}

}  // namespace handshake::test

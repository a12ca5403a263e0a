// Servers for tests of clients: a good one, and what real networks hold in store.
#ifndef HANDSHAKE_TESTS_SUPPORT_TEST_SERVER_H_
#define HANDSHAKE_TESTS_SUPPORT_TEST_SERVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/net/wake_event.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"

namespace handshake::test {

// What a server does with one accepted connection: a blocking socket whose reads give up after 10
// s. What it returns stays open until the server ends; nothing: it is closed.
using Script = std::function<net::UniqueFd(net::UniqueFd)>;

// Listens on a free loopback port and plays `script` with each connection, on `threads` threads,
// each one connection after the other. The destructor ends it; clients must not wait for it then.
class TestServer {
 public:
  explicit TestServer(Script script, int threads = 2, const char* host = "127.0.0.1");
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  const net::Address& address() const { return address_; }
  int64_t accepted() const { return accepted_; }
  // From now on connections are refused; those that were accepted go on. From any thread.
  void Leave();
  // And from now on they are accepted again, at the same port.
  void Return();

 private:
  void AcceptLoop();

  const Script script_;
  net::Address address_;
  net::UniqueFd listener_;
  net::WakeEvent stop_;
  std::atomic<int64_t> accepted_{0};
  std::mutex mutex_;
  std::vector<net::UniqueFd> kept_;
  std::vector<std::thread> threads_;
};

// A port of this machine at which nothing listens, as long as this object lives.
class DeadPort {
 public:
  DeadPort();
  const net::Address& address() const { return address_; }

 private:
  net::Address address_;
  net::UniqueFd socket_;
};

// The server's side of the protocol, driven to its end; `verdict`, if given, gets each outcome.
Script Serve(const wire::HandshakeOptions& options = {},
             std::function<void(wire::Verdict)> verdict = nullptr);
// Serves the first connection, by which a load run makes sure of its target, and plays `script`
// with the others.
Script BehindProof(Script script);
// Serves one connection and refuses all others; `server` is the one that plays it.
Script ServeOneAndLeave(TestServer& server);
// Takes message 1 and says nothing, for ever.
Script NeverAnswer();
// All three messages, then nothing, for ever.
Script NeverClose();
// Takes message 1; then RST, or FIN.
Script ResetAfterHello();
Script CloseAfterHello();
// Takes message 1, says `text` and reads on until the client ends it.
Script Answer(std::string text);
// Message 2 and FIN in one segment.
Script CloseBehindReply();
// All three messages, then RST where FIN belongs.
Script ResetAtTheEnd();
// The right messages, a segment for each byte.
Script ByteAtATime();
// Message 1 is answered with this many bytes of 'x', as far as they can be sent.
Script Garbage(size_t bytes);
// The widespread teaching server: reads of up to 64 bytes, no terminators.
Script Teaching();

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_TEST_SERVER_H_

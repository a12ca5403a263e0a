// handshake-client lines as a person and as scripts use it, against servers of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/control/ctl/process.h"
#include "tests/support/test_server.h"
#include "tests/system/client_by_hand.h"
#include "tests/system/net_tools.h"

namespace handshake::testing {
namespace {

using handshake::test::DeadPort;
using handshake::test::TestServer;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Ended Lines(const std::string& address, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"lines", address});
  return RunToEnd(HANDSHAKE_CLIENT, more);
}

TEST(LinesSystemTest, AFileComesBackAsItWas) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat echo;
  const Ended ended =
      Shell("f=$(mktemp) && seq 100000 > $f && $client lines " + echo.address() +
            " < $f > $f.out; echo code $?; cmp $f $f.out && echo same; rm -f $f $f.out");
  EXPECT_EQ(ended.out, "code 0\nsame\n") << ended.err;
}

TEST(LinesSystemTest, APipeComesBackAsItWas) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat echo;
  const Ended ended = Shell("seq 100000 | $client lines " + echo.address() + " | tail -n 1");
  EXPECT_EQ(ended.out, "100000\n") << ended.err;
}

TEST(LinesSystemTest, AReaderThatHasEnoughIsNoFailure) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat echo;
  const Ended ended =
      Shell("{ yes | $client lines " + echo.address() + "; echo code $? >&2; } | head -n 2");
  EXPECT_EQ(ended.out, "y\ny\n");
  EXPECT_EQ(ended.err, "code 0\n");
}

TEST(LinesSystemTest, OnATerminalEachLineIsAnsweredAndExitEndsIt) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat echo;
  Process client(HANDSHAKE_CLIENT, {"lines", echo.address()}, {.terminal = true, .input = true});
  client.Write("hello\n");
  ASSERT_TRUE(client.WaitForOutput("hello\r\nhello\r\n"));  // as typed, as answered
  client.Write("exit\n");
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_EQ(ended.out, "hello\r\nhello\r\nexit\r\nexit\r\n");
}

TEST(LinesSystemTest, OnATerminalCtrlDEndsIt) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat echo;
  Process client(HANDSHAKE_CLIENT, {"lines", echo.address()}, {.terminal = true, .input = true});
  client.Write("hello\n");
  ASSERT_TRUE(client.WaitForOutput("hello\r\nhello\r\n"));
  client.EndInput();
  EXPECT_EQ(client.Wait().exit_code, 0);
}

TEST(LinesSystemTest, NetcatsPingIsAnsweredAndItsEndIsTold) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_NETCAT);
  Netcat server;
  Process client(HANDSHAKE_CLIENT, {"lines", server.address()}, {.input = true});
  client.Write("one\n");
  ASSERT_TRUE(server.process().WaitForOutput("one\n"));
  server.process().Write("answer\nPING\n");
  EXPECT_TRUE(server.process().WaitForOutput("PONG\n"));
  server.process().EndInput();
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.out, "answer\n");
  ExpectComplaint(ended, 1, "closed the connection while the input was still open");
}

TEST(LinesSystemTest, WhatIsSaidBehindTheEndOfTheInputIsPrinted) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat counts("wc -l; echo and more");
  const Ended ended = Shell("seq 1000 | $client lines " + counts.address());
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "1000\nand more\n");
  EXPECT_THAT(ended.err, IsEmpty());
}

TEST(LinesSystemTest, AnErrorOfTheServerHasItsOwnExitCode) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_NETCAT);
  Netcat server;
  Process client(HANDSHAKE_CLIENT, {"lines", server.address()}, {.input = true});
  server.process().Write("a\nERROR IDLE no byte for 60s\n");
  server.process().EndInput();
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(ended.out, "a\n");
  EXPECT_EQ(ended.err, "handshake-client: ERROR IDLE no byte for 60s\n");
}

TEST(LinesSystemTest, ALineThatMayNotBeSentIsNamed) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_SOCAT);
  Socat first;
  const Ended utf8 =
      Shell("printf 'one\\ntwo\\n\\377\\nfour\\n' | $client lines " + first.address());
  EXPECT_EQ(utf8.out, "one\ntwo\n");
  ExpectComplaint(utf8, 2, "line 3 of the input is not UTF-8");
  Socat second;
  ExpectComplaint(Shell("head -c 8192 /dev/zero | tr '\\0' x | $client lines " + second.address()),
                  2, "line 1 of the input is longer than 8192 bytes");
}

TEST(LinesSystemTest, InterruptsEndItAtOnce) {
  TestServer server([](net::UniqueFd fd) {
    send(fd.get(), "hi\n", 3, MSG_NOSIGNAL);
    return fd;
  });
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Process client(HANDSHAKE_CLIENT, {"lines", server.address().ToString()}, {.input = true});
    ASSERT_TRUE(client.WaitForOutput("hi\n"));
    client.Signal(signal);
    EXPECT_EQ(client.Wait().exit_code, 130);
  }
}

TEST(LinesSystemTest, AServerThatStaysSilentIsGivenUp) {
  TestServer server([](net::UniqueFd fd) { return fd; });
  ExpectComplaint(Lines(server.address().ToString(), {"--timeout", "50ms"}), 1,
                  "no word from " + server.address().ToString() + " within 50ms");
}

TEST(LinesSystemTest, AResetIsTold) {
  TestServer server(handshake::test::ResetAfterHello());
  ExpectComplaint(Shell("echo one | $client lines " + server.address().ToString()), 1,
                  "was reset by the server");
}

TEST(LinesSystemTest, NobodyThere) {
  DeadPort port;
  const std::string address = port.address().ToString();
  ExpectComplaint(Lines(address), 3,
                  "cannot connect to " + address +
                      ": Connection refused; start: handshake-server --listen lines=" + address);
}

TEST(LinesSystemTest, WrongCommandLines) {
  ExpectComplaint(Lines("127.0.0.1"), 2, "write HOST:PORT");
  ExpectComplaint(Lines("127.0.0.1:70100"), 2, "write HOST:PORT");
  ExpectComplaint(Lines("127.0.0.1:1", {"--timeout", "0"}), 2, "from 1ms to 30m");
  ExpectComplaint(Lines("127.0.0.1:1", {"--timeout", "soon"}), 2, "--timeout");
  ExpectComplaint(Lines("127.0.0.1:1", {"--wrong"}), 2, "see: handshake-client lines --help");
  ExpectComplaint(Lines("127.0.0.1:1", {"more"}), 2, "see: handshake-client lines --help");
  ExpectComplaint(RunToEnd(HANDSHAKE_CLIENT, {"lines"}), 2, "TARGET is required");
  EXPECT_THAT(Lines("--help").out,
              AllOf(HasSubstr("PONG"), HasSubstr("Exit codes:"), EndsWith("> answers.txt\n")));
}

}  // namespace
}  // namespace handshake::testing

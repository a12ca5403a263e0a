// handshake-client command as a person and as scripts use it, against scripted servers and netcat.
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
using handshake::test::Script;
using handshake::test::TestServer;
using net::UniqueFd;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kFrameEnd = "\r\n\r\n";

bool Say(const UniqueFd& fd, std::string_view first_and_headers) {
  const std::string frame = std::string(first_and_headers) += kFrameEnd;
  return send(fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL) >= 0;
}

// Up to the next frame's end, without it; empty at the end of the stream.
std::string Hear(const UniqueFd& fd) {
  std::string frame;
  char byte = 0;
  while (!frame.ends_with(kFrameEnd)) {
    if (recv(fd.get(), &byte, 1, 0) != 1) return "";
    frame += byte;
  }
  return frame.substr(0, frame.size() - kFrameEnd.size());
}

// A small server of commands.
Script Commands() {
  return [](UniqueFd fd) -> UniqueFd {
    Say(fd, "OK handshake 0.1.0");
    while (true) {
      const std::string asked = Hear(fd);
      if (asked.empty()) return {};
      if (asked == "PING") {
        Say(fd, "OK PONG");
      } else if (asked == "MODE") {
        Say(fd, "OK epoll\r\nGeneration: 3");
      } else if (asked.starts_with("ECHO ")) {
        Say(fd, "OK " + asked.substr(5));
      } else if (asked == "QUIT" || asked == "quit") {
        Say(fd, "OK BYE");
        return {};
      } else {
        Say(fd, "ERROR UNKNOWN_COMMAND there is no '" + asked + "'");
      }
    }
  };
}

class CommandSystemTest : public ::testing::Test {
 protected:
  static Ended At(const std::string& address, std::vector<std::string> more) {
    more.insert(more.begin(), {"command", address});
    return RunToEnd(HANDSHAKE_CLIENT, more);
  }
  Ended Command(const std::vector<std::string>& more) { return At(address_, more); }

  TestServer server_{Commands()};
  std::string address_ = server_.address().ToString();
};

TEST_F(CommandSystemTest, OneCommand) {
  const Ended mode = Command({"MODE"});
  EXPECT_EQ(mode.exit_code, 0) << mode.err;
  EXPECT_EQ(mode.out, "epoll\nGeneration: 3\n");
  EXPECT_THAT(mode.err, IsEmpty());
  EXPECT_EQ(Command({"ECHO", "a", "b c"}).out, "a b c\n");
  EXPECT_EQ(Command({"ECHO", "-5"}).out, "-5\n");
  EXPECT_EQ(Command({"--", "ECHO", "-x"}).out, "-x\n");
  for (const std::vector<std::string>& order : std::vector<std::vector<std::string>>{
           {"--header", "A: b", "--header", "C: d", "ECHO", "x"},
           {"ECHO", "x", "--header", "A: b", "--header", "C: d"}}) {
    EXPECT_EQ(Command(order).out, "x\nA: b\nC: d\n");
  }
}

TEST_F(CommandSystemTest, AnErrorHasItsOwnExitCode) {
  const Ended ended = Command({"NOPE"});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_EQ(ended.err, "handshake-client: ERROR UNKNOWN_COMMAND there is no 'NOPE'\n");
}

TEST_F(CommandSystemTest, APipeIsAnsweredInOrderAndTheWorstAnswerIsTheExitCode) {
  const Ended good = Shell("printf 'PING\\n\\nECHO a\\nMODE' | $client command " + address_);
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(good.out, "PONG\na\nepoll\nGeneration: 3\n");
  EXPECT_THAT(good.err, IsEmpty());
  const Ended bad = Shell("printf 'PING\\nNOPE\\nPING\\n' | $client command " + address_);
  EXPECT_EQ(bad.out, "PONG\nPONG\n");
  ExpectComplaint(bad, 4, "there is no 'NOPE'");
  const Ended wrong = Shell("printf 'PING\\n\\377\\nPING\\n' | $client command " + address_);
  EXPECT_EQ(wrong.out, "PONG\n");
  ExpectComplaint(wrong, 2, "line 2 of the input is not UTF-8");
  const Ended quit = Shell("printf 'quit\\nPING\\n' | $client command " + address_);
  EXPECT_EQ(quit.exit_code, 0);
  EXPECT_EQ(quit.out, "BYE\n");
}

TEST_F(CommandSystemTest, APersonIsPrompted) {
  Process client(HANDSHAKE_CLIENT, {"command", address_}, {.terminal = true, .input = true});
  const std::string prompt = address_ + "> ";
  ASSERT_TRUE(client.WaitForOutput("handshake 0.1.0\r\n" + prompt));
  client.Write("PING\n");
  ASSERT_TRUE(client.WaitForOutput("PING\r\nPONG\r\n" + prompt));
  client.Write("NOPE\n");
  ASSERT_TRUE(client.WaitForOutput("there is no 'NOPE'\r\n" + prompt));
  client.Write("quit\n");
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 4) << ended.out;
  EXPECT_THAT(ended.out, ::testing::EndsWith("quit\r\nBYE\r\n"));
}

TEST_F(CommandSystemTest, CtrlDQuits) {
  Process client(HANDSHAKE_CLIENT, {"command", address_}, {.terminal = true, .input = true});
  ASSERT_TRUE(client.WaitForOutput("> "));
  client.EndInput();
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "handshake 0.1.0\r\n" + address_ + "> \r\n");
}

TEST_F(CommandSystemTest, AnInterruptEndsItAtOnce) {
  Process client(HANDSHAKE_CLIENT, {"command", address_}, {.terminal = true, .input = true});
  ASSERT_TRUE(client.WaitForOutput("> "));
  client.Signal(SIGINT);
  EXPECT_EQ(client.Wait().exit_code, 130);
}

TEST_F(CommandSystemTest, AClosedOutputEndsItInOrder) {
  EXPECT_EQ(RunToEnd(HANDSHAKE_CLIENT, {"command", address_, "PING"}, {.closed_stdout = true}).err,
            "");
  const Ended ended =
      Shell("{ yes PING | $client command " + address_ + "; echo code $? >&2; } | head -n 2");
  EXPECT_EQ(ended.out, "PONG\nPONG\n");
  EXPECT_EQ(ended.err, "code 0\n");
}

TEST_F(CommandSystemTest, NetcatSpeaksAndHearsFrames) {
  HANDSHAKE_SKIP_WITHOUT(HANDSHAKE_NETCAT);
  Netcat server;
  Process client(HANDSHAKE_CLIENT, {"command", server.address()}, {.input = true});
  client.Write("PING\n");
  server.process().Write("OK handshake 1\r\n\r\n");
  ASSERT_TRUE(server.process().WaitForOutput("PING\r\n\r\n"));
  server.process().Write("OK by netcat\r\nBy: hand\r\n\r\n");
  ASSERT_TRUE(client.WaitForOutput("by netcat\nBy: hand\n"));
  server.process().Write("ERROR IDLE no command\r\n\r\n");
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(ended.err, "handshake-client: ERROR IDLE no command\n");
}

TEST_F(CommandSystemTest, WhatAServerMayDoInstead) {
  const struct {
    const char* what;
    Script script;
    int exit_code;
    const char* words;
  } kCases[] = {
      {"silent", [](UniqueFd fd) { return fd; }, 1, "no greeting from "},
      {"no answer",
       [](UniqueFd fd) {
         Say(fd, "OK handshake");
         return fd;
       },
       1, "no answer from "},
      {"closes", [](UniqueFd) { return UniqueFd(); }, 1, "before its greeting"},
      {"closes behind the greeting",
       [](UniqueFd fd) {
         Say(fd, "OK handshake");
         Hear(fd);
         return UniqueFd();
       },
       1, "closed the connection before its answer"},
      {"speaks something else",
       [](UniqueFd fd) {
         Say(fd, "220 mail");
         return fd;
       },
       1, "said what is no answer: '220 mail\\r\\n"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    TestServer server(c.script);
    ExpectComplaint(At(server.address().ToString(), {"PING", "--timeout", "200ms"}), c.exit_code,
                    c.words);
  }
}

TEST_F(CommandSystemTest, NobodyThere) {
  DeadPort port;
  ExpectComplaint(At(port.address().ToString(), {"PING"}), 3,
                  "start: handshake-server --listen command=" + port.address().ToString());
}

TEST_F(CommandSystemTest, WrongCommandLines) {
  ExpectComplaint(At("nowhere", {"PING"}), 2, "write HOST:PORT");
  ExpectComplaint(Command({"PING", "--timeout", "0"}), 2, "from 1ms to 30m");
  ExpectComplaint(Command({"PING", "--header", "nope"}), 2, "is not of the form 'Name: value'");
  ExpectComplaint(Command({"--header", "A: b"}), 2, "needs a command");
  ExpectComplaint(Command({"PI\nNG"}), 2, "has a line end in it");
  ExpectComplaint(Command({""}), 2, "the command is empty");
  ExpectComplaint(Command({"ECHO", "-x"}), 2, "see: handshake-client command --help");
  ExpectComplaint(RunToEnd(HANDSHAKE_CLIENT, {"command"}), 2, "TARGET is required");
  EXPECT_EQ(server_.accepted(), 0);
}

}  // namespace
}  // namespace handshake::testing

#include "common/wire/command_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/wire/limits.h"
#include "tests/common/wire/conversation_test.h"

namespace handshake::wire {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kGreeting = "OK handshake 1.2.3\r\n\r\n";

class Commands : public ::testing::Test, public CommandHost {
 protected:
  HostMode Mode() const override { return {.name = "epoll", .generation = 7}; }
  HostTotals Totals() const override {
    return {.accepted = 20, .completed = 12, .failed = 3, .in_flight = 5};
  }
  CommandOptions Options() const {
    CommandOptions options;
    options.host = this;
    options.version = "1.2.3";
    return options;
  }
  void SetUp() override {
    talk_.peer.Run(talk_.now);
    ASSERT_EQ(talk_.peer.Take(), kGreeting);
  }
  // One whole message of one line.
  std::string Ask(std::string_view command) { return talk_.Say(std::string(command) + "\r\n\r\n"); }

  const CommandProtocol protocol_{Options()};
  TestConversation talk_{protocol_};
};

TEST_F(Commands, TheTable) {
  EXPECT_EQ(Ask("PING"), "OK PONG\r\n\r\n");
  EXPECT_EQ(Ask("ping"), "OK PONG\r\n\r\n");
  EXPECT_EQ(Ask("ECHO a  b"), "OK a  b\r\n\r\n");
  EXPECT_EQ(Ask("ECHO"), "OK\r\n\r\n");
  EXPECT_EQ(Ask("STATS"),
            "OK\r\nAccepted: 20\r\nCompleted: 12\r\nFailed: 3\r\nIn-Flight: 5\r\n\r\n");
  EXPECT_EQ(Ask("MODE"), "OK epoll\r\nGeneration: 7\r\n\r\n");
  EXPECT_EQ(Ask("MODE sequential"),
            "ERROR BAD_ARGUMENT MODE only tells; to switch use handshakectl mode set\r\n\r\n");
  const std::string help = Ask("HELP");
  EXPECT_THAT(help, StartsWith("OK\r\n"));
  for (const Command& command : wire::Commands()) {
    EXPECT_THAT(help, HasSubstr(std::string(command.name) + ": "));
  }
  EXPECT_EQ(Ask("NOTHING"),
            "ERROR UNKNOWN_COMMAND there is no such command: HELP lists them\r\n\r\n");
}

TEST_F(Commands, HelloIsAHandshakeOverFrames) {
  EXPECT_EQ(Ask("HELLO 5"), "OK HELLO 6\r\n\r\n");
  EXPECT_EQ(Ask("HELLO 7"), "OK HELLO DONE\r\n\r\n");
  EXPECT_EQ(Ask("HELLO -3"), "OK HELLO -2\r\n\r\n");
  EXPECT_EQ(Ask("PING"), "OK PONG\r\n\r\n");  // in between
  EXPECT_EQ(Ask("HELLO 4"), "ERROR MISMATCH not X+2: begin anew with HELLO X\r\n\r\n");
  EXPECT_EQ(Ask("HELLO -1"), "OK HELLO 0\r\n\r\n");
  EXPECT_EQ(Ask("HELLO 1"), "OK HELLO DONE\r\n\r\n");
  for (const char* bad : {"HELLO", "HELLO x", "HELLO 1 2", "HELLO 007", "HELLO 9223372036854775806",
                          "HELLO 99999999999999999999999999999999999999999999999999999999999999"}) {
    EXPECT_THAT(Ask(bad), StartsWith("ERROR BAD_ARGUMENT ")) << bad;
  }
}

TEST_F(Commands, QuitIsAnsweredThenItEnds) {
  EXPECT_EQ(talk_.Say("PING\r\n\r\nQUIT\r\n\r\nPING\r\n\r\n"), "OK PONG\r\n\r\nOK BYE\r\n\r\n");
  EXPECT_TRUE(talk_.peer.ended_clean());
  talk_.End();
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOk);
}

TEST_F(Commands, HeadersMayFollow) {
  EXPECT_EQ(talk_.Say("ECHO x\r\nTrace: 1\r\nEmpty:\r\n\r\n"), "OK x\r\n\r\n");
}

TEST_F(Commands, EveryCutGivesTheSameAnswers) {
  const std::string all =
      "ECHO h\xc3\xa9\r\nA: 1\r\n\r\nHELLO 1\r\n\r\nECHO x\r\nnothing\r\n\r\n\r\nHELLO "
      "3\r\n\r\nQUIT\r\n\r\n";
  for (size_t size = 1; size <= all.size(); ++size) {
    TestConversation talk(protocol_);
    std::string answers;
    for (size_t at = 0; at < all.size(); at += size) answers += talk.Say(all.substr(at, size));
    EXPECT_EQ(answers, std::string(kGreeting) +
                           "OK h\xc3\xa9\r\n\r\nOK HELLO 2\r\n\r\n"
                           "ERROR MALFORMED line 2 has no colon: a header is NAME: VALUE\r\n\r\n"
                           "ERROR MALFORMED line 1 is empty: a command belongs there\r\n\r\n"
                           "OK HELLO DONE\r\n\r\nOK BYE\r\n\r\n")
        << size;
  }
}

TEST_F(Commands, WhatIsWrongIsNamedWithItsLineAndItGoesOn) {
  const struct {
    std::string message;
    std::string says;
  } kCases[] = {
      {"PING\r\nA: 1\r\nno colon\r\n\r\n", "MALFORMED line 3 has no colon"},
      {"PING\r\n: 1\r\n\r\n", "MALFORMED line 2 has no name before its colon"},
      {"PING\nA: 1\r\n\r\n", "MALFORMED line 1 ends with LF: lines end with CR LF"},
      {"PING\n\n", "MALFORMED line 1 ends with LF: lines end with CR LF"},
      {"\r\n", "MALFORMED line 1 is empty: a command belongs there"},
      {"  \r\n\r\n", "MALFORMED line 1 is empty: a command belongs there"},
      {"PI\0NG\r\n\r\n"s, "MALFORMED line 1 has a NUL byte"},
      {"PING\r\nA: \0\r\n\r\n"s, "MALFORMED line 2 has a NUL byte"},
      {"PING\r\nA: \xff\r\n\r\n", "NOT_UTF8 line 2 is not UTF-8"},
      {"PING\r\n\xff\r\nx\r\n\r\n", "NOT_UTF8 line 2 is not UTF-8"},
  };
  for (const auto& [message, says] : kCases) {
    EXPECT_THAT(talk_.Say(message), StartsWith("ERROR " + says)) << message;
    EXPECT_EQ(Ask("PING"), "OK PONG\r\n\r\n");
  }
}

TEST_F(Commands, AMissingEmptyLineIsWaitedFor) {
  EXPECT_EQ(talk_.Say("PING\r\n"), "");
  EXPECT_EQ(talk_.Wait(kMessageTimeout - 1ms), "");
  EXPECT_EQ(talk_.Wait(1ms), "ERROR TIMEOUT_STEP_1 a message was not complete in time\r\n\r\n");
}

TEST_F(Commands, SizesAroundTheLimit) {
  constexpr std::string_view kAround = "ECHO \r\n\r\n";
  for (const size_t size : {kMostConversationBytes - 1, kMostConversationBytes}) {
    const std::string text(size - kAround.size(), 'x');
    EXPECT_EQ(Ask("ECHO " + text), "OK " + text + "\r\n\r\n") << size;
  }
  const std::string text(kMostConversationBytes + 1 - kAround.size(), 'x');
  EXPECT_EQ(Ask("ECHO " + text),
            "ERROR OVERSIZE line 2 is beyond 8192 bytes, the most that a message may have\r\n\r\n");
  talk_.End();
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOversize);
}

TEST_F(Commands, TenThousandInOneStream) {
  std::string commands;
  std::string answers;
  for (int i = 0; i < 10'000; ++i) {
    commands += "ECHO " + std::to_string(i) + "\r\n\r\n";
    answers += "OK " + std::to_string(i) + "\r\n\r\n";
  }
  EXPECT_EQ(talk_.Say(commands), answers);
  EXPECT_EQ(talk_.session.TakeMessageCount(), 10'000U);
}

TEST_F(Commands, TheEndOfTheStreamInAMessage) {
  EXPECT_EQ(talk_.Say("PING\r\n"), "");
  EXPECT_EQ(talk_.End(), "");
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kPeerGoneStep1);
}

TEST_F(Commands, TheEndOfTheStreamBehindWholeMessages) {
  talk_.peer.Arrive("PING\r\n\r\nPING\r\n\r\n");
  EXPECT_EQ(talk_.End(), "OK PONG\r\n\r\nOK PONG\r\n\r\n");
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOk);
}

TEST_F(Commands, SilenceEnds) {
  EXPECT_EQ(talk_.Wait(kIdleTimeout - 1ms), "");
  EXPECT_EQ(talk_.Wait(1ms), "ERROR IDLE nothing was heard from you in time\r\n\r\n");
  talk_.End();
  EXPECT_EQ(talk_.session.verdict(), Verdict::kIdle);
}

// However it is cut, a frame is looked at once: what was scanned before is not scanned again, which
// a change of those bytes would show.
TEST(CommandFrame, ScansNoByteTwice) {
  std::string frame = "ECHO abc\r\nName: value\r\nOther: x\r\n\r\n";
  CommandFrame scan;
  for (size_t size = 1; size < frame.size(); ++size) {
    ASSERT_EQ(scan.Scan(std::string_view(frame).substr(0, size)), 0U);
    if (frame[size - 1] == '\n') std::fill_n(frame.begin(), size, '\n');
  }
  EXPECT_EQ(scan.Scan(frame), frame.size());
  EXPECT_EQ(scan.fault(), CommandFrame::Fault::kNone);
  EXPECT_EQ(scan.command_length(), 8U);
}

}  // namespace
}  // namespace handshake::wire

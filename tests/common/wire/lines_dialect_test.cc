#include "common/wire/lines_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/wire/limits.h"
#include "tests/common/wire/conversation_test.h"

namespace handshake::wire {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Lines : public ::testing::Test, public LineSink {
 protected:
  void Take(std::string_view line) const override { sunk_.emplace_back(line); }

  mutable std::vector<std::string> sunk_;
  const LinesProtocol protocol_{LinesOptions{}, 3};
  TestConversation talk_{protocol_};
};

TEST_F(Lines, IsALongLivedProtocol) {
  EXPECT_EQ(protocol_.name(), "lines");
  EXPECT_TRUE(protocol_.long_lived());
  EXPECT_EQ(protocol_.listener(), 3);
  EXPECT_FALSE(talk_.session.held());
}

TEST_F(Lines, EachComesBackWithItsOwnEnd) {
  EXPECT_EQ(talk_.Say("one\n"), "one\n");
  EXPECT_EQ(talk_.Say("two\r\n"), "two\r\n");
  EXPECT_EQ(talk_.Say("\n"), "\n");
  EXPECT_EQ(talk_.Say("h\xc3\xa9\na\rb\nthird\r\n"), "h\xc3\xa9\na\rb\nthird\r\n");
  EXPECT_EQ(talk_.session.TakeMessageCount(), 6U);
  EXPECT_EQ(talk_.session.TakeMessageCount(), 0U);
}

TEST_F(Lines, EveryCutGivesTheSameAnswers) {
  const std::string all = "one\r\n\ntwo h\xc3\xa9\nexit\nnot read";
  for (size_t size = 1; size <= all.size(); ++size) {
    TestConversation talk(protocol_);
    std::string answers;
    for (size_t at = 0; at < all.size() && talk.session.need() == Need::kRead; at += size) {
      answers += talk.Say(all.substr(at, size));
    }
    answers += talk.End();
    EXPECT_EQ(answers, "one\r\n\ntwo h\xc3\xa9\n") << size;
    EXPECT_TRUE(talk.ended());
    EXPECT_EQ(talk.session.verdict(), Verdict::kOk);
    EXPECT_EQ(talk.session.ending(), Ending::kClose);
  }
}

TEST_F(Lines, ExitIsAnsweredByTheEndAlone) {
  EXPECT_EQ(talk_.Say("one\nexit\r\n"), "one\n");
  EXPECT_TRUE(talk_.peer.ended_clean());
  EXPECT_FALSE(talk_.ended());  // until the peer has ended too, or for a moment
  talk_.Wait(kDiscardTimeout);
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOk);
}

TEST_F(Lines, TheEndOfTheStreamEndsALine) {
  EXPECT_EQ(talk_.Say("whole\nrest"), "whole\n");
  EXPECT_EQ(talk_.End(), "rest\n");
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOk);
}

TEST_F(Lines, TheEndOfTheStreamAloneIsFine) {
  EXPECT_EQ(talk_.End(), "");
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOk);
}

TEST_F(Lines, TheLongestLine) {
  for (const std::string_view end : {"\n", "\r\n"}) {
    const std::string line = std::string(kMostConversationBytes - end.size(), 'x');
    EXPECT_EQ(talk_.Say(line + std::string(end)), line + std::string(end));
  }
}

TEST_F(Lines, ALineThatIsTooLongIsToldAndEnds) {
  EXPECT_EQ(talk_.Say("fine\n" + std::string(kMostConversationBytes, 'x') + "\n"),
            "fine\nERROR OVERSIZE line 2 has more than 8192 bytes\n");
  EXPECT_TRUE(talk_.peer.ended_clean());
  talk_.End();
  EXPECT_EQ(talk_.session.verdict(), Verdict::kOversize);
  EXPECT_EQ(talk_.session.ending(), Ending::kClose);
}

TEST_F(Lines, WhatIsNotUtf8IsToldAndEnds) {
  EXPECT_EQ(talk_.Say("fine\nbro\xc3ken\nnext\n"), "fine\nERROR NOT_UTF8 line 2 is not UTF-8\n");
  talk_.End();
  EXPECT_EQ(talk_.session.verdict(), Verdict::kNotUtf8);
}

TEST_F(Lines, SilenceIsPingedAndTheAnswerNotEchoed) {
  EXPECT_EQ(talk_.Wait(kPingInterval - 1ms), "");
  EXPECT_EQ(talk_.Wait(1ms), "PING\n");
  EXPECT_EQ(talk_.Say("PONG\n"), "");
  EXPECT_EQ(talk_.Say("PONG\n"), "PONG\n");  // no ping stands
  EXPECT_EQ(talk_.Wait(kPingInterval), "PING\n");
  EXPECT_EQ(talk_.Say("alive\n"), "alive\n");
  EXPECT_EQ(talk_.Say("PONG\n"), "");  // the line before had crossed the ping
  EXPECT_EQ(talk_.Say("PONG\n"), "PONG\n");
}

TEST_F(Lines, WhoAnswersNoPingIsDropped) {
  EXPECT_EQ(talk_.Wait(kPingInterval), "PING\n");
  EXPECT_EQ(talk_.Wait(kPingTimeout), "ERROR IDLE nothing was heard from you in time\n");
  talk_.Wait(kDiscardTimeout);
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kIdle);
}

TEST_F(Lines, WithoutPingsSilenceEnds) {
  LinesOptions options;
  options.ping_interval = 0s;
  const LinesProtocol protocol(options);
  TestConversation talk(protocol);
  EXPECT_EQ(talk.Wait(kIdleTimeout - 1ms), "");
  EXPECT_EQ(talk.Wait(1ms), "ERROR IDLE nothing was heard from you in time\n");
}

TEST_F(Lines, BytesDoNotExtendTheDeadlineOfALine) {
  EXPECT_EQ(talk_.Say("a"), "");
  for (int i = 0; i < 29; ++i) {
    EXPECT_EQ(talk_.Wait(1s), "");
    EXPECT_EQ(talk_.Say("b"), "");
  }
  EXPECT_EQ(talk_.Wait(1s), "ERROR TIMEOUT_STEP_1 a message was not complete in time\n");
  talk_.End();
  EXPECT_EQ(talk_.session.verdict(), Verdict::kTimeoutStep1);
}

TEST_F(Lines, APeerThatDoesNotReadIsReadNoMoreAndReset) {
  talk_.peer.set_blocked(true);
  talk_.Say(std::string(100'000, '\n'));
  EXPECT_EQ(talk_.session.need(), Need::kWrite);
  EXPECT_EQ(talk_.peer.unread(), 100'000 - kMostConversationBytes);
  talk_.Wait(kWriteTimeout - 1ms);
  EXPECT_EQ(talk_.session.need(), Need::kWrite);
  talk_.Wait(1ms);
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kTimeoutStep2);
  EXPECT_EQ(talk_.session.ending(), Ending::kReset);
}

TEST_F(Lines, AnswersThatAreTakenByteByByteAreWhole) {
  talk_.peer.set_max_write(1);
  std::string lines;
  for (int i = 0; i < 5'000; ++i) lines += std::to_string(i) + "\n";
  EXPECT_EQ(talk_.Say(lines), lines);
}

TEST_F(Lines, AReset) {
  talk_.Say("half a li");
  talk_.peer.ArriveReset();
  talk_.peer.Run(talk_.now);
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kPeerResetStep1);
  EXPECT_EQ(talk_.session.ending(), Ending::kReset);
}

TEST_F(Lines, ASinkTakesThemInstead) {
  LinesOptions options;
  options.sink = this;
  const LinesProtocol protocol(options);
  TestConversation talk(protocol);
  EXPECT_EQ(talk.Say("one\ntwo\r\nrest"), "");
  EXPECT_EQ(talk.End(), "");
  EXPECT_THAT(sunk_, ElementsAre("one", "two", "rest"));
  EXPECT_EQ(talk.session.verdict(), Verdict::kOk);
}

TEST_F(Lines, AnAbortEndsAtOnce) {
  talk_.Say("half a li");
  talk_.session.Abort(Verdict::kClosedAtShutdown);
  EXPECT_TRUE(talk_.ended());
  EXPECT_EQ(talk_.session.verdict(), Verdict::kClosedAtShutdown);
  EXPECT_EQ(talk_.session.ending(), Ending::kReset);
}

}  // namespace
}  // namespace handshake::wire

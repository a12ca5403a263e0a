#include "client/line_talk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace handshake::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Kind = TalkEnd::Kind;
using namespace std::chrono_literals;

class LineTalkTest : public ::testing::Test {
 protected:
  void Type(std::string_view bytes) { talk_.OnInput(bytes, now_); }
  void EndInput() { talk_.OnInputEnd(now_); }
  void Say(std::string_view bytes) { talk_.OnReceived(bytes, now_); }
  std::string Sent() { return std::exchange(talk_.to_server(), {}); }
  std::string Printed() { return std::exchange(talk_.to_output(), {}); }
  Kind EndKind() {
    EXPECT_TRUE(talk_.end());
    return talk_.end() ? talk_.end()->kind : Kind{99};
  }

  Talk::TimePoint now_{};
  std::vector<std::string> complaints_;
  LineTalk talk_{"127.0.0.1:7010", 5s,
                 [this](std::string_view text) { complaints_.emplace_back(text); }};
};

TEST_F(LineTalkTest, SendsWholeLinesAsTheyAre) {
  Type("one\r\ntw");
  EXPECT_EQ(Sent(), "one\r\n");
  Type("o\n");
  EXPECT_EQ(Sent(), "two\n");
  Type("last");
  EXPECT_EQ(Sent(), "");
  EXPECT_TRUE(talk_.WantsInput());
  EndInput();
  EXPECT_EQ(Sent(), "last");
  EXPECT_TRUE(talk_.said_all());
}

TEST_F(LineTalkTest, PrintsWhatTheServerSaysAsItComes) {
  Say("on");
  EXPECT_EQ(Printed(), "on");
  Say("e\ntwo\n\nthr");
  EXPECT_EQ(Printed(), "e\ntwo\n\nthr");
  Say(std::string(100'000, 'x'));
  EXPECT_EQ(Printed().size(), 100'000u);
  EndInput();
  talk_.OnFin();
  EXPECT_EQ(EndKind(), Kind::kDone);
  EXPECT_EQ(talk_.end()->text, "");
}

TEST_F(LineTalkTest, ExitEndsOurStreamAndWhatFollowsIsNotSent) {
  for (const char* input : {"exit\nmore\n", "exit\r\nmore\n"}) {
    LineTalk talk("127.0.0.1:7010", 5s, {});
    talk.OnInput(input, now_);
    EXPECT_THAT(talk.to_server(), StartsWith("exit"));
    EXPECT_THAT(talk.to_server(), ::testing::Not(HasSubstr("more")));
    EXPECT_TRUE(talk.said_all());
    EXPECT_FALSE(talk.WantsInput());
  }
  Type("exits\n exit\n");
  EXPECT_FALSE(talk_.said_all());
}

TEST_F(LineTalkTest, AnswersAPingInAnyCutAndDoesNotPrintIt) {
  for (const std::string ping : {"PING\n", "PING\r\n"}) {
    const std::string text = "before\n" + ping + "after\n";
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      Say(text.substr(0, cut));
      Say(text.substr(cut));
      EXPECT_EQ(Printed(), "before\nafter\n") << cut;
      EXPECT_EQ(Sent(), "PONG\n") << cut;
    }
  }
}

TEST_F(LineTalkTest, OnlyAWholeLineIsAPing) {
  Say("PINGS\nxPING\nPING \nPI\n");
  Say("x");
  Say("PING\n");
  EXPECT_EQ(Printed(), "PINGS\nxPING\nPING \nPI\nxPING\n");
  EXPECT_EQ(Sent(), "");
}

TEST_F(LineTalkTest, PingsOfAServerThatDoesNotReadAddNothing) {
  for (int i = 0; i < 1'000; ++i) Say("PING\n");
  EXPECT_EQ(Sent(), "PONG\n");
  Type("a line on its way\n");
  Say("PING\n");
  EXPECT_EQ(Sent(), "a line on its way\n");
}

TEST_F(LineTalkTest, APingBehindTheEndOfOurStreamCannotBeAnswered) {
  EndInput();
  Say("PING\n");
  EXPECT_EQ(Sent(), "");
  EXPECT_EQ(Printed(), "");
}

TEST_F(LineTalkTest, AnErrorLineAtTheEndIsTheServersError) {
  const std::string text = "one\nERROR IDLE no byte for 60s\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    LineTalk talk("127.0.0.1:7010", 5s, {});
    talk.OnReceived(text.substr(0, cut), now_);
    talk.OnReceived(text.substr(cut), now_);
    talk.OnFin();
    EXPECT_EQ(talk.to_output(), "one\n") << cut;
    ASSERT_TRUE(talk.end());
    EXPECT_EQ(talk.end()->kind, Kind::kServerError);
    EXPECT_EQ(talk.end()->text, "ERROR IDLE no byte for 60s");
  }
}

TEST_F(LineTalkTest, AnErrorLineThatIsNotTheEndIsALine) {
  Say("ERROR ONE x\n");
  EXPECT_EQ(Printed(), "");
  Say("ERROR TWO x\n");
  EXPECT_EQ(Printed(), "ERROR ONE x\n");
  Say("PING\n");
  EXPECT_EQ(Printed(), "ERROR TWO x\n");
}

TEST_F(LineTalkTest, TheEchoOfOurLastLineIsNoError) {
  Type("ERROR OF MINE\n");
  Say("ERROR OF MINE\n");
  EXPECT_EQ(Printed(), "ERROR OF MINE\n");
  EndInput();
  Sent();
  talk_.OnFin();
  EXPECT_EQ(EndKind(), Kind::kDone);
}

TEST_F(LineTalkTest, AnErrorLineIsHeardThoughTheConnectionBreaksOrStalls) {
  for (const bool breaks : {true, false}) {
    LineTalk talk("127.0.0.1:7010", 5s, {});
    talk.OnReceived("ERROR OVERSIZE line 3\n", now_);
    breaks ? talk.OnBroken(ECONNRESET) : talk.OnTime();
    ASSERT_TRUE(talk.end());
    EXPECT_EQ(talk.end()->kind, Kind::kServerError);
  }
}

TEST_F(LineTalkTest, ALineOfTheServerWithoutItsEndIsPrinted) {
  EndInput();
  Say("a\nPIN");
  talk_.OnFin();
  EXPECT_EQ(Printed(), "a\nPIN");
  EXPECT_EQ(EndKind(), Kind::kDone);
}

TEST_F(LineTalkTest, AFinIsUnexpectedWhileTheInputIsOpen) {
  talk_.OnFin();
  EXPECT_EQ(EndKind(), Kind::kCut);
  EXPECT_EQ(talk_.end()->text,
            "127.0.0.1:7010 closed the connection while the input was still open; connect again to "
            "go on");
}

TEST_F(LineTalkTest, AFinIsUnexpectedWhileALineWaitsToBeSent) {
  Type("a\n");
  EndInput();
  talk_.OnFin();
  EXPECT_EQ(EndKind(), Kind::kCut);
  EXPECT_THAT(talk_.end()->text, HasSubstr("before it had read all of the input"));
}

TEST_F(LineTalkTest, ABrokenConnectionIsTold) {
  Say("a\n");
  talk_.OnBroken(ECONNRESET);
  EXPECT_EQ(Printed(), "a\n");
  EXPECT_EQ(EndKind(), Kind::kCut);
  EXPECT_THAT(talk_.end()->text, HasSubstr("was reset by the server: answers may be missing"));
}

TEST_F(LineTalkTest, ALineThatMayNotBeSentEndsOurStream) {
  Type("good\n\xff\nmore\n");
  EXPECT_EQ(Sent(), "good\n");
  EXPECT_TRUE(talk_.said_all());
  EXPECT_THAT(complaints_, ElementsAre(StartsWith("line 2 of the input is not UTF-8")));
  Say("good\n");
  talk_.OnFin();
  EXPECT_EQ(Printed(), "good\n");
  EXPECT_EQ(EndKind(), Kind::kBadInput);
  EXPECT_EQ(talk_.end()->text, "");
}

TEST_F(LineTalkTest, TheLongestLineIsSentAndOneByteMoreIsNot) {
  const std::string longest = std::string(8'191, 'x') + "\n";
  Type(longest);
  EXPECT_EQ(Sent(), longest);
  Type("x" + longest);
  EXPECT_EQ(Sent(), "");
  EXPECT_THAT(complaints_,
              ElementsAre(StartsWith("line 2 of the input is longer than 8192 bytes")));
}

TEST_F(LineTalkTest, SilenceCountsOnceOurStreamHasEndedAndAllIsPrinted) {
  EXPECT_FALSE(talk_.deadline());
  EndInput();
  EXPECT_EQ(talk_.deadline(), now_ + 5s);
  now_ += 3s;
  Say("still here\n");
  EXPECT_FALSE(talk_.deadline());  // our reader's silence, not the server's
  Printed();
  now_ += 3s;
  talk_.OnProgress(now_);
  EXPECT_EQ(talk_.deadline(), now_ + 5s);
  talk_.OnTime();
  EXPECT_EQ(EndKind(), Kind::kCut);
  EXPECT_THAT(talk_.end()->text, StartsWith("no word from 127.0.0.1:7010 within 5s"));
  EXPECT_THAT(complaints_, IsEmpty());
}

}  // namespace
}  // namespace handshake::client

#include "client/frame_talk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <optional>
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

constexpr std::string_view kGreeting = "OK handshake 0.1.0\r\n\r\n";
constexpr std::string_view kPong = "OK PONG\r\n\r\n";
constexpr std::string_view kUnknown = "ERROR UNKNOWN_COMMAND no NOPE\r\n\r\n";
constexpr std::string_view kBye = "OK BYE\r\n\r\n";

class FrameTalkTest : public ::testing::Test {
 protected:
  void Begin(std::optional<std::string> message = std::nullopt, bool prompt = false) {
    talk_.emplace(
        FrameTalkOptions{.server = "127.0.0.1:7020",
                         .timeout = 5s,
                         .message = std::move(message),
                         .prompt = prompt},
        [this](std::string_view text) { complaints_.emplace_back(text); }, now_);
  }
  void Type(std::string_view bytes) { talk_->OnInput(bytes, now_); }
  void EndInput() { talk_->OnInputEnd(now_); }
  void Say(std::string_view bytes) { talk_->OnReceived(bytes, now_); }
  void Fin() { talk_->OnFin(); }
  std::string Sent() { return std::exchange(talk_->to_server(), {}); }
  std::string Printed() { return std::exchange(talk_->to_output(), {}); }
  // The text of an end of this kind.
  std::string EndOf(Kind kind) {
    if (!talk_->end()) return "no end";
    EXPECT_EQ(talk_->end()->kind, kind) << talk_->end()->text;
    return talk_->end()->text;
  }

  Talk::TimePoint now_{};
  std::vector<std::string> complaints_;
  std::optional<FrameTalk> talk_;
};

TEST_F(FrameTalkTest, OneCommandIsSentBehindTheGreetingAndItsAnswerEndsIt) {
  Begin("ECHO a\r\n\r\n");
  EXPECT_EQ(Sent(), "");
  Say(kGreeting);
  EXPECT_EQ(Sent(), "ECHO a\r\n\r\n");
  EXPECT_EQ(Printed(), "");
  EXPECT_FALSE(talk_->WantsInput());
  Say("OK a\r\nName: value\r\n\r\n");
  EXPECT_EQ(Printed(), "a\nName: value\n");
  EXPECT_EQ(EndOf(Kind::kDone), "");
}

TEST_F(FrameTalkTest, AnErrorOfOneCommandIsComplainedOf) {
  Begin("NOPE\r\n\r\n");
  Say(kGreeting);
  Say("ERROR UNKNOWN_COMMAND no NOPE\r\nSee: HELP\r\n\r\n");
  EXPECT_THAT(complaints_, ElementsAre("ERROR UNKNOWN_COMMAND no NOPE; See: HELP"));
  EXPECT_EQ(Printed(), "");
  EXPECT_EQ(EndOf(Kind::kServerError), "");
}

TEST_F(FrameTalkTest, EachLineOfTheInputWaitsForTheAnswerOfTheOneBefore) {
  Begin();
  EXPECT_FALSE(talk_->WantsInput());
  Say(kGreeting);
  EXPECT_TRUE(talk_->WantsInput());
  Type("PING\n \r\n\nNOPE\r\nquit now\nlast");
  EXPECT_EQ(Sent(), "PING\r\n\r\n");
  EXPECT_FALSE(talk_->WantsInput());
  Say(kPong);
  EXPECT_EQ(Sent(), "NOPE\r\n\r\n");
  EXPECT_FALSE(talk_->WantsInput());
  Say(kUnknown);
  EXPECT_EQ(Sent(), "quit now\r\n\r\n");
  Say(kUnknown);
  EXPECT_EQ(Sent(), "");
  EXPECT_FALSE(talk_->WantsInput());  // until what was answered is printed
  EXPECT_EQ(Printed(), "PONG\n");
  EXPECT_TRUE(talk_->WantsInput());
  EndInput();
  EXPECT_EQ(Sent(), "last\r\n\r\n");
  Say(kPong);
  EXPECT_EQ(Sent(), "QUIT\r\n\r\n");
  EXPECT_EQ(Printed(), "PONG\n");
  Say(kBye);
  Fin();
  EXPECT_EQ(Printed(), "");
  EXPECT_EQ(EndOf(Kind::kServerError), "");
  EXPECT_EQ(complaints_.size(), 2u);
}

TEST_F(FrameTalkTest, ATypedQuitIsAnsweredAndEndsIt) {
  Begin();
  Say(kGreeting);
  Type(" quit\nPING\n");
  EXPECT_EQ(Sent(), " quit\r\n\r\n");
  Say(kBye);
  EXPECT_EQ(Printed(), "BYE\n");
  EXPECT_EQ(Sent(), "");
  EXPECT_FALSE(talk_->WantsInput());
  EXPECT_FALSE(talk_->end());
  Fin();
  EXPECT_EQ(EndOf(Kind::kDone), "");
}

TEST_F(FrameTalkTest, APersonIsGreetedAndPrompted) {
  Begin(std::nullopt, /*prompt=*/true);
  Say(kGreeting);
  EXPECT_EQ(Printed(), "handshake 0.1.0\n127.0.0.1:7020> ");
  Type("PI");
  EXPECT_EQ(Printed(), "");
  Type("NG\n");
  EXPECT_EQ(Printed(), "");
  Say(kPong);
  EXPECT_EQ(Printed(), "PONG\n127.0.0.1:7020> ");
  Type("\n");
  EXPECT_EQ(Printed(), "127.0.0.1:7020> ");
  EndInput();
  EXPECT_EQ(Printed(), "\n");
  EXPECT_EQ(Sent(), "PING\r\n\r\nQUIT\r\n\r\n");
  Say(kBye);
  Fin();
  EXPECT_EQ(Printed(), "");
  EXPECT_EQ(EndOf(Kind::kDone), "");
}

TEST_F(FrameTalkTest, AnErrorThatNobodyAskedForTellsWhyItEnds) {
  Begin(std::nullopt, /*prompt=*/true);
  Say(kGreeting);
  Printed();
  Say("ERROR IDLE no command for 60s\r\n\r\n");
  EXPECT_EQ(Printed(), "\n");  // off the line of the prompt
  EXPECT_EQ(EndOf(Kind::kServerError), "ERROR IDLE no command for 60s");
}

TEST_F(FrameTalkTest, AnAnswerThatNobodyAskedForIsNone) {
  Begin();
  Say(kGreeting);
  Say(kPong);
  EXPECT_THAT(EndOf(Kind::kCut), HasSubstr("answered what nobody asked: 'OK PONG'"));
}

TEST_F(FrameTalkTest, AFinBehindAnErrorIsExplained) {
  Begin();
  Say(kGreeting);
  Type("PING\n");
  Say("ERROR OVERSIZE more than 8192 bytes\r\n\r\n");
  Fin();
  EXPECT_THAT(complaints_, ElementsAre("ERROR OVERSIZE more than 8192 bytes"));
  EXPECT_EQ(EndOf(Kind::kServerError), "");
}

TEST_F(FrameTalkTest, AnyOtherFinIsNot) {
  Begin();
  Fin();
  EXPECT_EQ(EndOf(Kind::kCut),
            "127.0.0.1:7020 closed the connection before its greeting; is it the right port? look "
            "at its log");
  Begin("PING\r\n\r\n");
  Say(kGreeting);
  Say("OK PO");
  Fin();
  EXPECT_THAT(EndOf(Kind::kCut), HasSubstr("closed the connection before its answer"));
  Begin();
  Say(kGreeting);
  Fin();
  EXPECT_THAT(EndOf(Kind::kCut), HasSubstr("closed the connection; connect again"));
}

TEST_F(FrameTalkTest, AGreetingThatIsAnErrorEndsIt) {
  Begin("PING\r\n\r\n");
  Say("ERROR SHED come back later\r\n\r\n");
  EXPECT_EQ(Sent(), "");
  EXPECT_THAT(complaints_, ElementsAre("ERROR SHED come back later"));
  EXPECT_EQ(EndOf(Kind::kServerError), "");
}

TEST_F(FrameTalkTest, AServerOfAnotherProtocolIsTold) {
  Begin();
  Say("SSH-2.0-x\r\n");
  EXPECT_EQ(EndOf(Kind::kCut),
            "127.0.0.1:7020 said what is no answer: 'SSH-2.0-x\\r\\n'; is it the right port?");
  Begin();
  Say("ERROR TIMEOUT_STEP_1 no message\n");  // a line, no frame
  Fin();
  EXPECT_EQ(EndOf(Kind::kServerError), "ERROR TIMEOUT_STEP_1 no message");
}

TEST_F(FrameTalkTest, SilenceEndsItButForAnIdleOne) {
  Begin();
  EXPECT_EQ(talk_->deadline(), now_ + 5s);
  now_ += 1s;
  Say(kGreeting);
  EXPECT_FALSE(talk_->deadline());
  now_ += 1h;
  Type("PING\n");
  const auto asked = now_;
  EXPECT_EQ(talk_->deadline(), asked + 5s);
  now_ += 4s;
  Say("OK ");  // bytes do not extend it
  EXPECT_EQ(talk_->deadline(), asked + 5s);
  talk_->OnTime();
  EXPECT_THAT(EndOf(Kind::kCut), StartsWith("no answer from 127.0.0.1:7020 within 5s"));
}

TEST_F(FrameTalkTest, ABreakTellsWhatIsUncertain) {
  Begin("PING\r\n\r\n");
  talk_->OnBroken(ECONNRESET);
  EXPECT_THAT(EndOf(Kind::kCut), HasSubstr("no command was under way"));
  Begin("PING\r\n\r\n");
  Say(kGreeting);
  talk_->OnBroken(ECONNRESET);
  EXPECT_THAT(EndOf(Kind::kCut), HasSubstr("the last command may or may not have been done"));
}

TEST_F(FrameTalkTest, ALineThatMayNotBeSentEndsTheInput) {
  const std::string longest(8'188, 'x');
  for (const std::string& wrong : {std::string("\xff"), longest + "x"}) {
    complaints_.clear();
    Begin();
    Say(kGreeting);
    Type(longest + "\n");
    EXPECT_EQ(Sent(), longest + "\r\n\r\n");
    Say(kPong);
    Type(wrong + "\nPING\n");
    EXPECT_EQ(Sent(), "QUIT\r\n\r\n");
    EXPECT_THAT(complaints_, ElementsAre(StartsWith("line 2 of the input is ")));
    Say(kBye);
    Fin();
    EXPECT_EQ(EndOf(Kind::kBadInput), "");
  }
}

TEST(MakeFrameTest, JoinsArgumentsAndHeaders) {
  EXPECT_EQ(*MakeFrame({"ECHO", "a", "b c"}, {"Trace: 17", "X:"}),
            "ECHO a b c\r\nTrace: 17\r\nX:\r\n\r\n");
  EXPECT_EQ(MakeFrame({std::string(8'188, 'x')}, {})->size(), 8'192u);
}

TEST(MakeFrameTest, RefusesWhatCannotBeSent) {
  const struct {
    std::vector<std::string> arguments;
    std::vector<std::string> headers;
    const char* why;
  } kCases[] = {
      {{""}, {}, "the command is empty"},
      {{"PING\r\nX: y"}, {}, "the command has a line end in it"},
      {{"PING\nPING"}, {}, "the command has a line end in it"},
      {{"\xff"}, {}, "the command is not UTF-8"},
      {{std::string(8'189, 'x')}, {}, "has 8193 bytes, at most 8192"},
      {{"PING"}, {"Trace"}, "the header 'Trace' is not of the form 'Name: value'"},
      {{"PING"}, {": 17"}, "is not of the form"},
      {{"PING"}, {"A b: 17"}, "is not of the form"},
      {{"PING"}, {"A: b\r\n\r\nQUIT"}, "the header 'A' has a line end in it"},
      {{"PING"}, {"A: \xff"}, "the header 'A' is not UTF-8"},
  };
  for (const auto& c : kCases) {
    const auto frame = MakeFrame(c.arguments, c.headers);
    ASSERT_FALSE(frame.ok()) << c.why;
    EXPECT_THAT(std::string(frame.status().message()), HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace handshake::client

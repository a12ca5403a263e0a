#include "common/wire/server_handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_stream.h"

namespace handshake::wire {
namespace {

using namespace std::chrono_literals;

// A server session on a fake socket, with a clock that only the test moves.
struct Server {
  explicit Server(Framing framing, HandshakeOptions base = {})
      : options(base), machine(Apply(framing), now) {}
  Server(const Server&) = delete;

  // Bytes arrive and are read at once.
  Server& Send(std::string_view bytes) {
    stream.Arrive(bytes);
    stream.Run(now);
    return *this;
  }
  Server& Wait(Duration duration) {
    now += duration;
    stream.Run(now);
    return *this;
  }
  Server& End() {
    stream.ArriveEnd();
    stream.Run(now);
    return *this;
  }
  Server& Reset() {
    stream.ArriveReset();
    stream.Run(now);
    return *this;
  }
  // "VERDICT close" or "VERDICT reset" once it has ended, else the open stage's need and step.
  std::string Result() const {
    if (machine.need() != Need::kEnd) return "open in step " + std::to_string(machine.step());
    return std::string(VerdictName(machine.verdict())) +
           (machine.ending() == Ending::kClose ? " close" : " reset");
  }

  const HandshakeOptions& Apply(Framing framing) {
    options.framing = framing;
    return options;
  }

  HandshakeOptions options;
  TimePoint now = TimePoint() + 1'000s;
  ServerHandshake machine;
  test::FakeStream<ServerHandshake> stream{machine};
};

TEST(ServerHandshake, LineHappyPath) {
  Server server(Framing::kLine);
  EXPECT_EQ(server.Send("HELLO 100\n").stream.Take(), "HELLO 101\n");
  EXPECT_EQ(server.Send("HELLO 102\n").Result(), "OK close");
  EXPECT_EQ(server.stream.Take(), "");
}

TEST(ServerHandshake, MirrorsCarriageReturnOfMessage1) {
  Server server(Framing::kLine);
  EXPECT_EQ(server.Send("HELLO 100\r\n").stream.Take(), "HELLO 101\r\n");
  EXPECT_EQ(server.Send("HELLO 102\n").Result(), "OK close");
}

TEST(ServerHandshake, BareHappyPath) {
  Server server(Framing::kBare);
  EXPECT_EQ(server.Send("HELLO 100").stream.Take(), "HELLO 101");
  EXPECT_EQ(server.Send("HELLO 102").Result(), "OK close");
}

TEST(ServerHandshake, BareMessage1GoesOnWhileItCannotBeComplete) {
  Server server(Framing::kBare);
  for (std::string_view part : {"H", "ELLO", " ", "-"}) {
    EXPECT_EQ(server.Send(part).Result(), "open in step 1");
  }
  EXPECT_EQ(server.Send("5").stream.Take(), "HELLO -4");
  EXPECT_EQ(server.Send("HELLO").Send(" -").Send("3").Result(), "OK close");
}

TEST(ServerHandshake, BareReadBoundaryEndsMessage1) {
  Server server(Framing::kBare);
  EXPECT_EQ(server.Send("HELLO 1").stream.Take(), "HELLO 2");
  EXPECT_EQ(server.Send("00").Result(), "MALFORMED reset");
}

TEST(ServerHandshake, BareKnowsNoLineFeed) {
  EXPECT_EQ(Server(Framing::kBare).Send("HELLO 100\n").Result(), "MALFORMED reset");
}

TEST(ServerHandshake, BareFirstWrongByteDecides) {
  for (bool at_once : {true, false}) {
    for (auto [text, result] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"HELLO 13", "MISMATCH reset"},
             {"HELLO 13xyz", "MISMATCH reset"},
             {"HELLO 2", "MISMATCH reset"},
             {"HELLO 99999999999999999999", "MISMATCH reset"},
             {"HELLO 1x", "MALFORMED reset"},
             {"HELLO 1\n", "MALFORMED reset"},
             {"GOODBYE", "MALFORMED reset"},
             {"\n", "MALFORMED reset"}}) {
      Server server(Framing::kBare);
      server.Send("HELLO 10");
      if (at_once) {
        server.Send(text);
      } else {
        for (char c : text) {
          if (server.machine.need() != Need::kEnd) server.Send({&c, 1});
        }
      }
      EXPECT_EQ(server.Result(), result) << text << (at_once ? " at once" : " by bytes");
    }
  }
}

TEST(ServerHandshake, AutoTakesLineFeedAsLine) {
  Server server(Framing::kAuto);
  EXPECT_EQ(server.Send("HELLO 100\n").stream.Take(), "HELLO 101\n");
  EXPECT_EQ(server.Send("HELLO 102").Result(), "open in step 3");
  EXPECT_EQ(server.Send("\n").Result(), "OK close");
}

TEST(ServerHandshake, AutoTakesSilenceAfterMessage1AsBare) {
  Server server(Framing::kAuto);
  EXPECT_EQ(server.Send("HELLO 100").stream.Take(), "");
  EXPECT_EQ(server.machine.deadline(), server.now + kBareGrace);
  EXPECT_EQ(server.Wait(kBareGrace - 1us).stream.Take(), "");
  EXPECT_EQ(server.Wait(1us).stream.Take(), "HELLO 101");
  EXPECT_EQ(server.Send("HELLO 102").Result(), "OK close");
}

TEST(ServerHandshake, AutoGraceStartsAnewWithMoreDigits) {
  Server server(Framing::kAuto);
  server.Send("HELLO 1").Wait(4ms).Send("0").Wait(4ms);
  EXPECT_EQ(server.stream.Take(), "");
  EXPECT_EQ(server.Wait(1ms).stream.Take(), "HELLO 11");
}

TEST(ServerHandshake, AutoGraceEndsWhenTheTextStopsToLookComplete) {
  Server server(Framing::kAuto);
  server.Send("HELLO 1").Wait(4ms).Send("\r").Wait(1s);
  EXPECT_EQ(server.Result(), "open in step 1");
  EXPECT_EQ(server.Send("\n").stream.Take(), "HELLO 2\r\n");
}

TEST(ServerHandshake, AutoLineFeedWithinTheGraceIsLine) {
  Server server(Framing::kAuto);
  EXPECT_EQ(server.Send("HELLO 1").Wait(4ms).Send("\n").stream.Take(), "HELLO 2\n");
}

TEST(ServerHandshake, AutoEndOfStreamEndsABareMessage) {
  Server server(Framing::kAuto);
  server.Send("HELLO 1").End();
  EXPECT_EQ(server.stream.Take(), "HELLO 2");
  EXPECT_EQ(server.Result(), "PEER_GONE_STEP_3 reset");
}

TEST(ServerHandshake, AutoJudgesAMessageWhoseGraceOutlivesTheStep) {
  Server server(Framing::kAuto);
  server.Wait(kStepTimeout - 1ms).Send("HELLO 1").Wait(1ms);
  EXPECT_EQ(server.stream.Take(), "HELLO 2");
}

TEST(ServerHandshake, AutoJudgesAMessageHoweverLateTheDriver) {
  Server server(Framing::kAuto);
  server.Send("HELLO 1").Wait(kStepTimeout + 1s);
  EXPECT_EQ(server.stream.Take(), "HELLO 2");
}

TEST(ServerHandshake, TheExtremesOfX) {
  for (auto [x, y, z] : std::vector<std::array<std::string_view, 3>>{
           {"9223372036854775805", "9223372036854775806", "9223372036854775807"},
           {"-9223372036854775808", "-9223372036854775807", "-9223372036854775806"},
           {"-2", "-1", "0"},
           {"-1", "0", "1"},
           {"0", "1", "2"}}) {
    Server server(Framing::kLine);
    server.Send("HELLO " + std::string(x) + "\n");
    EXPECT_EQ(server.stream.Take(), "HELLO " + std::string(y) + "\n");
    EXPECT_EQ(server.Send("HELLO " + std::string(z) + "\n").Result(), "OK close");
  }
}

TEST(ServerHandshake, XWithoutRoomForTwoMoreOverflows) {
  for (std::string x : {"9223372036854775806", "9223372036854775807", "9223372036854775808",
                        "-9223372036854775809"}) {
    EXPECT_EQ(Server(Framing::kLine).Send("HELLO " + x + "\n").End().Result(), "OVERFLOW close");
    EXPECT_EQ(Server(Framing::kBare).Send("HELLO " + x).Result(), "OVERFLOW reset");
    EXPECT_EQ(Server(Framing::kAuto).Send("HELLO " + x).Wait(kBareGrace).Result(),
              "OVERFLOW reset");
  }
}

TEST(ServerHandshake, TellsALinePeerWhyAndDropsWhatItStillSends) {
  Server server(Framing::kLine);
  server.Send("GARBAGE\n");
  EXPECT_EQ(server.stream.Take(), "ERROR MALFORMED expected HELLO and a canonical decimal int64\n");
  EXPECT_TRUE(server.stream.ended_clean());
  EXPECT_EQ(server.Send(std::string(10'000, 'x')).Result(), "open in step 3");
  EXPECT_EQ(server.stream.unread(), 0u);
  EXPECT_EQ(server.End().Result(), "MALFORMED close");
}

TEST(ServerHandshake, ErrorAnswersAreMessagesToo) {
  const std::string x = "HELLO 1\r\n";
  const auto check = [](Server& server, std::string_view code) {
    const std::string answer = server.stream.Take();
    EXPECT_LE(answer.size(), kMaxMessageBytes);
    EXPECT_TRUE(answer.starts_with("ERROR " + std::string(code) + " ")) << answer;
    EXPECT_TRUE(answer.ends_with('\n'));
    EXPECT_EQ(answer.find_first_of("\r\n"), answer.find_last_not_of("\r\n") + 1);
  };
  const auto rejected = [&](std::string_view first, std::string_view then, std::string_view code) {
    Server server(Framing::kLine);
    server.Send(first);
    if (!then.empty()) {
      server.stream.Take();
      server.Send(then);
    }
    check(server, code);
  };
  rejected("HELLO\r\n", "", "MALFORMED");
  rejected(std::string(64, 'x'), "", "OVERSIZE");
  rejected("HELLO 9223372036854775806\r\n", "", "OVERFLOW");
  rejected("HELLO 1\r\nHELLO 3\r\n", "", "EARLY_DATA");
  rejected(x, "HELLO 4\r\n", "MISMATCH");
  rejected(x, "HELLO 3\r\nx", "TRAILING_DATA");
  rejected(x, "HELLO 9223372036854775808\r\n", "OVERFLOW");
  rejected(x, std::string(64, 'x'), "OVERSIZE");
  Server silent(Framing::kLine);
  check(silent.Wait(kStepTimeout), "TIMEOUT_STEP_1");
  Server held(Framing::kLine);
  held.Send(x).stream.Take();
  check(held.Wait(kStepTimeout), "TIMEOUT_STEP_3");
}

TEST(ServerHandshake, UndecidedPeersAreReset) {
  EXPECT_EQ(Server(Framing::kAuto).Send(std::string(64, 'x')).Result(), "OVERSIZE reset");
  EXPECT_EQ(Server(Framing::kAuto).Send("GARBAGE").Wait(kStepTimeout).Result(),
            "TIMEOUT_STEP_1 reset");
  EXPECT_EQ(Server(Framing::kAuto).Wait(kStepTimeout).Result(), "TIMEOUT_STEP_1 reset");
}

TEST(ServerHandshake, SixtyFourBytesAreTheLimitOfALine) {
  const std::string text(63, 'x');
  EXPECT_EQ(Server(Framing::kLine).Send(text).Result(), "open in step 1");
  EXPECT_EQ(Server(Framing::kLine).Send(text + "\n").End().Result(), "MALFORMED close");
  EXPECT_EQ(Server(Framing::kLine).Send(text + "x\n").End().Result(), "OVERSIZE close");
}

TEST(ServerHandshake, DiscardsNoMoreThanItsLimit) {
  Server server(Framing::kLine);
  server.Send("x\n");
  server.Send(std::string(kDiscardBytes - 1, 'x'));
  EXPECT_EQ(server.machine.DiscardLimit(), 1u);
  EXPECT_EQ(server.Send("xyz").Result(), "MALFORMED close");
  EXPECT_EQ(server.stream.unread(), 2u);
}

TEST(ServerHandshake, DiscardsNoLongerThanItsTimeout) {
  Server server(Framing::kLine);
  server.Send("x\n");
  server.Wait(kDiscardTimeout - 1us).Send("more");
  EXPECT_EQ(server.Result(), "open in step 3");
  EXPECT_EQ(server.Wait(1us).Result(), "MALFORMED close");
}

TEST(ServerHandshake, AResetDuringTheDiscardChangesNothing) {
  EXPECT_EQ(Server(Framing::kLine).Send("x\n").Reset().Result(), "MALFORMED close");
}

// A peer that has sent message 3 takes FIN for success: it must not see one.
TEST(ServerHandshake, AnAnswerThatCannotBeSentEndsInReset) {
  Server stuck(Framing::kLine);
  stuck.Send("HELLO 1\n").stream.Take();
  stuck.stream.set_blocked(true);
  stuck.Send("HELLO 3\nx");
  EXPECT_EQ(stuck.Wait(kDiscardTimeout).Result(), "TRAILING_DATA reset");

  Server gone(Framing::kLine);
  gone.Send("HELLO 1\n").stream.Take();
  gone.stream.set_blocked(true);
  gone.Send("HELLO 3\nx");
  EXPECT_EQ(gone.Reset().Result(), "TRAILING_DATA reset");

  Server aborted(Framing::kLine);
  aborted.Send("HELLO 1\n").stream.Take();
  aborted.stream.set_blocked(true);
  aborted.Send("HELLO 3\nx");
  aborted.machine.Abort(Verdict::kClosedAtShutdown);
  EXPECT_EQ(aborted.Result(), "TRAILING_DATA reset");
}

TEST(ServerHandshake, AbortAfterTheAnswerCloses) {
  Server server(Framing::kLine);
  server.Send("x\n");
  server.machine.Abort(Verdict::kClosedAtShutdown);
  EXPECT_EQ(server.Result(), "MALFORMED close");
}

TEST(ServerHandshake, StepsEndAtTheirDeadlinesWhateverArrives) {
  Server server(Framing::kLine);
  for (char c : std::string_view("HELL")) server.Send({&c, 1}).Wait(1s);
  EXPECT_EQ(server.machine.deadline(), server.machine.started() + kStepTimeout);
  server.Send("O").Wait(1s - 1us);
  EXPECT_EQ(server.Result(), "open in step 1");
  EXPECT_EQ(server.Wait(1us).End().Result(), "TIMEOUT_STEP_1 close");
}

TEST(ServerHandshake, EachStepHasItsOwnClock) {
  Server server(Framing::kLine);
  server.Wait(4s).Send("HELLO 1\n").Wait(4s).Send("HELLO 3\n");
  EXPECT_EQ(server.Result(), "OK close");
}

TEST(ServerHandshake, TheHandshakeHasOneToo) {
  Server server(Framing::kLine, {.step_timeout = 8s});
  server.Wait(7s).Send("HELLO 1\n").Wait(3s - 1us);
  EXPECT_EQ(server.Result(), "open in step 3");
  EXPECT_EQ(server.Wait(1us).End().Result(), "TIMEOUT_STEP_3 close");
}

TEST(ServerHandshake, TimeoutsAreTheListeners) {
  EXPECT_EQ(Server(Framing::kLine, {.step_timeout = 20ms}).Wait(20ms).End().Result(),
            "TIMEOUT_STEP_1 close");
  EXPECT_EQ(Server(Framing::kBare, {.handshake_timeout = 30ms}).Wait(30ms).Result(),
            "TIMEOUT_STEP_1 reset");
  Server longest(Framing::kLine, {.step_timeout = kMaxTimeout, .handshake_timeout = kMaxTimeout});
  EXPECT_EQ(longest.Wait(kMaxTimeout - 1us).Result(), "open in step 1");
  EXPECT_EQ(longest.Wait(1us).End().Result(), "TIMEOUT_STEP_1 close");
}

TEST(ServerHandshake, AnAnswerThatIsNotReadTimesOutInStep2) {
  Server server(Framing::kLine);
  server.stream.set_blocked(true);
  server.Send("HELLO 1\n");
  EXPECT_EQ(server.Result(), "open in step 2");
  EXPECT_EQ(server.Wait(kStepTimeout).Result(), "TIMEOUT_STEP_2 reset");
}

TEST(ServerHandshake, SendsInPartsOfAnySize) {
  for (size_t size = 1; size <= 12; ++size) {
    Server server(Framing::kLine);
    server.stream.set_max_write(size);
    EXPECT_EQ(server.Send("HELLO 99\r\n").stream.Take(), "HELLO 100\r\n");
    EXPECT_EQ(server.Send("x\r\n").stream.Take(),
              "ERROR MALFORMED expected HELLO and a canonical decimal int64\r\n");
  }
}

TEST(ServerHandshake, PeersThatCloseAreGoneInTheirStep) {
  for (Framing framing : {Framing::kLine, Framing::kAuto, Framing::kBare}) {
    EXPECT_EQ(Server(framing).End().Result(), "PEER_GONE_STEP_1 reset");
    EXPECT_EQ(Server(framing).Send("HELL").End().Result(), "PEER_GONE_STEP_1 reset");
    EXPECT_EQ(Server(framing).Reset().Result(), "PEER_RESET_STEP_1 reset");
    EXPECT_EQ(Server(framing).Send("HELL").Reset().Result(), "PEER_RESET_STEP_1 reset");
  }
  EXPECT_EQ(Server(Framing::kLine).Send("HELLO 1").End().Result(), "PEER_GONE_STEP_1 reset");
  EXPECT_EQ(Server(Framing::kLine).Send("HELLO 1\n").End().Result(), "PEER_GONE_STEP_3 reset");
  EXPECT_EQ(Server(Framing::kLine).Send("HELLO 1\n").Reset().Result(), "PEER_RESET_STEP_3 reset");
  EXPECT_EQ(Server(Framing::kBare).Send("HELLO 1").Send("HELLO").End().Result(),
            "PEER_GONE_STEP_3 reset");
  Server answering(Framing::kLine);
  answering.stream.set_blocked(true);
  EXPECT_EQ(answering.Send("HELLO 1\n").Reset().Result(), "PEER_RESET_STEP_2 reset");
}

TEST(ServerHandshake, AHalfClosedPeerThatHasSaidAllIsServed) {
  Server server(Framing::kLine);
  server.Send("HELLO 1\n");
  server.stream.Arrive("HELLO 3\n");
  EXPECT_EQ(server.End().Result(), "OK close");
}

TEST(ServerHandshake, HeldIsTheTimeBetweenTheAnswerAndMessage3) {
  Server server(Framing::kLine);
  EXPECT_FALSE(server.machine.held());
  server.stream.set_blocked(true);
  EXPECT_FALSE(server.Send("HELLO 1\n").machine.held());
  server.stream.set_blocked(false);
  EXPECT_TRUE(server.Wait(0s).machine.held());
  EXPECT_FALSE(server.Send("HELLO 3\n").machine.held());
}

// Under `line`, every cut of the byte stream gives the verdict of the whole. The exception that
// PROTOCOL.md states: bytes behind a message that were not read with it.
struct Conversation {
  std::string_view first;  // sent at once
  std::string_view then;   // sent when the answer has come
};

std::string RunCut(Framing framing, const Conversation& conversation, size_t cut_1, size_t cut_2) {
  Server server(framing);
  for (std::string_view message : {conversation.first, conversation.then}) {
    const size_t a = std::min({cut_1, cut_2, message.size()});
    const size_t b = std::min(std::max(cut_1, cut_2), message.size());
    for (auto part : {message.substr(0, a), message.substr(a, b - a), message.substr(b)}) {
      if (server.machine.verdict() == Verdict::kNone && !part.empty()) server.Send(part);
    }
  }
  if (server.machine.need() != Need::kEnd) server.End();
  return server.Result();
}

constexpr Conversation kConversations[] = {
    {"HELLO 100\n", "HELLO 102\n"},
    {"HELLO 100\r\n", "HELLO 102\r\n"},
    {"HELLO -9223372036854775808\r\n", "HELLO -9223372036854775806\r\n"},
    {"HELLO 9223372036854775805\n", "HELLO 9223372036854775807\n"},
    {"HELLO 9223372036854775806\n", ""},
    {"HELLO 99999999999999999999999999\n", ""},
    {"HELLO 007\n", ""},
    {"HELLO -0\n", ""},
    {"\n", ""},
    {"\r\n", ""},
    {"HELLO 1\r\r\n", ""},
    {"HELLO 1", ""},
    {"HELLO 1\r", ""},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ""},
    {"HELLO 1\n", "HELLO 2\n"},
    {"HELLO 1\n", "HELLO 03\n"},
    {"HELLO 1\n", "HELLO 3"},
    {"HELLO 1\n", "GOODBYE\r\n"},
    {"HELLO 1\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
};

TEST(ServerHandshake, EveryCutOfALineGivesTheSameVerdict) {
  for (const Conversation& conversation : kConversations) {
    const std::string whole = RunCut(Framing::kLine, conversation, SIZE_MAX, SIZE_MAX);
    for (size_t a = 0; a <= kMaxMessageBytes; ++a) {
      for (size_t b = a; b <= kMaxMessageBytes; ++b) {
        ASSERT_EQ(RunCut(Framing::kLine, conversation, a, b), whole)
            << conversation.first << conversation.then << " cut at " << a << ", " << b;
      }
    }
  }
}

TEST(ServerHandshake, EveryCutWithinTheGraceGivesTheSameVerdictUnderAuto) {
  for (const Conversation& conversation : kConversations) {
    const std::string whole = RunCut(Framing::kAuto, conversation, SIZE_MAX, SIZE_MAX);
    for (size_t a = 0; a <= kMaxMessageBytes; ++a) {
      ASSERT_EQ(RunCut(Framing::kAuto, conversation, a, a), whole)
          << conversation.first << conversation.then << " cut at " << a;
    }
  }
}

TEST(ServerHandshake, BytesBehindAMessageCountIfTheyWereReadWithIt) {
  const std::string_view early = "HELLO 1\nHELLO 3\n";
  for (size_t cut = 0; cut <= early.size(); ++cut) {
    const std::string expected = cut == 8 ? "OK close" : "EARLY_DATA close";
    EXPECT_EQ(RunCut(Framing::kLine, {early, ""}, cut, cut), expected) << cut;
  }
  const std::string_view trailing = "HELLO 3\nx";
  for (size_t cut = 1; cut <= trailing.size(); ++cut) {
    Server server(Framing::kLine);
    server.Send("HELLO 1\n").Send(trailing.substr(0, cut));
    if (server.machine.need() == Need::kRead) server.Send(trailing.substr(cut));
    if (server.machine.need() != Need::kEnd) server.End();
    EXPECT_EQ(server.Result(), cut == 8 ? "OK close" : "TRAILING_DATA close") << cut;
  }
}

}  // namespace
}  // namespace handshake::wire

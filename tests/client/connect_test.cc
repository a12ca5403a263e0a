#include "client/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using wire::Verdict;
using namespace std::chrono_literals;

struct Outcome {
  Verdict verdict;
  std::vector<std::string> said;
  std::chrono::nanoseconds last{};
};

Outcome ConnectTo(const net::Address& target, int64_t sequence = 100,
                  const wire::HandshakeOptions& handshake = {.framing = wire::Framing::kLine}) {
  Outcome outcome{};
  outcome.verdict = Connect({.target = target, .sequence = sequence, .handshake = handshake},
                            [&](const ConnectEvent& event) {
                              EXPECT_GE(event.at, outcome.last);
                              outcome.last = event.at;
                              outcome.said.push_back(event.text);
                            });
  return outcome;
}

Outcome ConnectTo(const handshake::test::TestServer& server, int64_t sequence = 100) {
  return ConnectTo(server.address(), sequence);
}

TEST(ConnectTest, TellsEachMessageOfAGoodHandshake) {
  handshake::test::TestServer server(handshake::test::Serve());
  const Outcome outcome = ConnectTo(server);
  EXPECT_EQ(outcome.verdict, Verdict::kOk);
  EXPECT_THAT(outcome.said, ElementsAre(StartsWith("connected to " + server.address().ToString() +
                                                   " from 127.0.0.1:"),
                                        "-> HELLO 100", "<- HELLO 101", "-> HELLO 102",
                                        "closed by server (FIN)", "OK: the handshake completed"));
}

TEST(ConnectTest, WorksOverIpv6AndAtTheEndsOfTheNumbers) {
  handshake::test::TestServer server(handshake::test::Serve(), 1, "[::1]");
  EXPECT_EQ(ConnectTo(server, INT64_MIN).verdict, Verdict::kOk);
  const Outcome largest = ConnectTo(server, INT64_MAX - 2);
  EXPECT_EQ(largest.verdict, Verdict::kOk);
  EXPECT_EQ(largest.said.at(3), "-> HELLO 9223372036854775807");
}

TEST(ConnectTest, BareFramingServesATeachingPeerAndOurOwnServer) {
  handshake::test::TestServer teaching(handshake::test::Teaching());
  handshake::test::TestServer own(handshake::test::Serve());
  for (const auto* server : {&teaching, &own}) {
    const Outcome outcome = ConnectTo(server->address(), 100, {.framing = wire::Framing::kBare});
    EXPECT_EQ(outcome.verdict, Verdict::kOk);
    EXPECT_EQ(outcome.said.size(), 6u);
  }
}

TEST(ConnectTest, ADeadPortIsRefused) {
  handshake::test::DeadPort port;
  const Outcome outcome = ConnectTo(port.address());
  EXPECT_EQ(outcome.verdict, Verdict::kConnectRefused);
  EXPECT_THAT(outcome.said,
              ElementsAre("cannot connect to " + port.address().ToString() + ": Connection refused",
                          "CONNECT_REFUSED: nothing listens at the address"));
}

TEST(ConnectTest, AnAddressWithoutRouteIsUnreachable) {
  const net::Address broadcast = *net::Address::Parse("255.255.255.255:7000");
  EXPECT_EQ(ConnectTo(broadcast).verdict, Verdict::kUnreachable);
}

TEST(ConnectTest, SilenceEndsAtTheStepDeadline) {
  handshake::test::TestServer server(handshake::test::NeverAnswer());
  const Outcome outcome =
      ConnectTo(server.address(), 1, {.framing = wire::Framing::kLine, .step_timeout = 50ms});
  EXPECT_EQ(outcome.verdict, Verdict::kTimeoutStep2);
  EXPECT_GE(outcome.last, 50ms);
}

TEST(ConnectTest, SaysWhatAWrongServerSaid) {
  handshake::test::TestServer server(handshake::test::Answer("HELLO 7\n"));
  const Outcome outcome = ConnectTo(server);
  EXPECT_EQ(outcome.verdict, Verdict::kMismatch);
  EXPECT_THAT(outcome.said.at(2), "<- HELLO 7\\n");
}

TEST(ConnectTest, SaysTheReasonOfAnErrorAnswer) {
  handshake::test::TestServer server(
      handshake::test::Answer("ERROR SHED \x1b[31mcome back later\r\n"));
  const Outcome outcome = ConnectTo(server);
  EXPECT_EQ(outcome.verdict, Verdict::kPeerError);
  EXPECT_EQ(outcome.said.at(2), "<- ERROR SHED \\x1b[31mcome back later\\r\\n");
}

TEST(ConnectTest, EveryFaultOfAServerHasItsVerdict) {
  using namespace handshake::test;
  const struct {
    const char* what;
    Script script;
    Verdict verdict;
  } kCases[] = {
      {"reset after message 1", ResetAfterHello(), Verdict::kPeerResetStep2},
      {"closed after message 1", CloseAfterHello(), Verdict::kPeerGoneStep2},
      {"closed behind message 2", CloseBehindReply(), Verdict::kPeerGoneStep3},
      {"reset after message 3", ResetAtTheEnd(), Verdict::kUnconfirmed},
      {"not a message", Answer("GOODBYE 101\n"), Verdict::kMalformed},
      {"a number too large", Answer("HELLO 9223372036854775808\n"), Verdict::kOverflow},
      {"bytes behind message 2", Answer("HELLO 101\nmore"), Verdict::kTrailingData},
      {"64 KiB of garbage", Garbage(64 * 1024), Verdict::kOversize},
      {"a byte at a time", ByteAtATime(), Verdict::kOk},
  };
  for (const auto& c : kCases) {
    TestServer server(c.script);
    const Outcome outcome = ConnectTo(server);
    EXPECT_EQ(outcome.verdict, c.verdict) << c.what << ": " << wire::VerdictName(outcome.verdict)
                                          << " after " << ::testing::PrintToString(outcome.said);
    EXPECT_THAT(outcome.said.back(), StartsWith(std::string(wire::VerdictName(c.verdict))));
  }
}

}  // namespace
}  // namespace handshake::client

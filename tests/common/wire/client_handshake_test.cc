#include "common/wire/client_handshake.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>

#include "tests/support/fake_stream.h"

namespace handshake::wire {
namespace {

using namespace std::chrono_literals;

// A client session on a fake socket, with a clock that only the test moves.
struct Client {
  explicit Client(int64_t sequence = 100, HandshakeOptions base = {.framing = Framing::kLine})
      : options(base), machine(options, sequence, now) {}
  Client(const Client&) = delete;

  // What the session sends when `bytes` have arrived (none: when it starts).
  std::string Receive(std::string_view bytes) {
    stream.Arrive(bytes);
    stream.Run(now);
    return stream.Take();
  }
  Client& Wait(Duration duration) {
    now += duration;
    stream.Run(now);
    return *this;
  }
  Client& End() {
    stream.ArriveEnd();
    stream.Run(now);
    return *this;
  }
  Client& Reset() {
    stream.ArriveReset();
    stream.Run(now);
    return *this;
  }
  std::string Result() const {
    if (machine.need() != Need::kEnd) return "open in step " + std::to_string(machine.step());
    return std::string(VerdictName(machine.verdict())) +
           (machine.ending() == Ending::kClose ? " close" : " reset");
  }

  HandshakeOptions options;
  TimePoint now = TimePoint() + 1'000s;
  ClientHandshake machine;
  test::FakeStream<ClientHandshake> stream{machine};
};

constexpr HandshakeOptions kBareOptions = {.framing = Framing::kBare};

// A client that has sent message 3 and waits for the end.
struct Confirmed : Client {
  Confirmed() {
    Receive("");
    Receive("HELLO 101\n");
  }
};

TEST(ClientHandshake, LineHappyPath) {
  Client client;
  EXPECT_EQ(client.machine.sequence(), 100);
  EXPECT_EQ(client.Receive(""), "HELLO 100\n");
  EXPECT_EQ(client.Receive("HELLO 101\n"), "HELLO 102\n");
  EXPECT_EQ(client.Result(), "open in step 3");
  EXPECT_EQ(client.End().Result(), "OK close");
}

TEST(ClientHandshake, AcceptsCarriageReturn) {
  Client client;
  client.Receive("");
  EXPECT_EQ(client.Receive("HELLO 101\r\n"), "HELLO 102\n");
}

TEST(ClientHandshake, BareHappyPath) {
  Client client(100, kBareOptions);
  EXPECT_EQ(client.Receive(""), "HELLO 100");
  EXPECT_EQ(client.Receive("HELLO 10"), "");
  EXPECT_EQ(client.Receive("1"), "HELLO 102");
  EXPECT_EQ(client.End().Result(), "OK close");
}

TEST(ClientHandshake, SendsInPartsOfAnySize) {
  for (size_t size = 1; size <= 11; ++size) {
    Client client;
    client.stream.set_max_write(size);
    EXPECT_EQ(client.Receive(""), "HELLO 100\n");
    EXPECT_EQ(client.Receive("HELLO 101\n"), "HELLO 102\n");
  }
}

TEST(ClientHandshake, TheExtremesOfX) {
  Client largest(kMaxSequence);
  EXPECT_EQ(largest.Receive(""), "HELLO 9223372036854775805\n");
  EXPECT_EQ(largest.Receive("HELLO 9223372036854775806\n"), "HELLO 9223372036854775807\n");
  Client smallest(std::numeric_limits<int64_t>::min());
  EXPECT_EQ(smallest.Receive(""), "HELLO -9223372036854775808\n");
  EXPECT_EQ(smallest.Receive("HELLO -9223372036854775807\n"), "HELLO -9223372036854775806\n");
}

TEST(ClientHandshake, EveryWrongReplyHasItsVerdict) {
  const auto result = [](std::string_view reply,
                         HandshakeOptions options = {.framing = Framing::kLine}) {
    Client client(100, options);
    client.Receive("");
    client.Receive(reply);
    return client.Result();
  };
  EXPECT_EQ(result("HELLO 100\n"), "MISMATCH reset");
  EXPECT_EQ(result("HELLO 0101\n"), "MALFORMED reset");
  EXPECT_EQ(result("hello 101\n"), "MALFORMED reset");
  EXPECT_EQ(result("HELLO 9223372036854775808\n"), "OVERFLOW reset");
  EXPECT_EQ(result(std::string(64, 'x')), "OVERSIZE reset");
  EXPECT_EQ(result("HELLO 101\nmore"), "TRAILING_DATA reset");
  EXPECT_EQ(result("HELLO 102", kBareOptions), "MISMATCH reset");
  EXPECT_EQ(result("HTTP/1.1 400", kBareOptions), "MALFORMED reset");
  EXPECT_EQ(result("HELLO 101\n", kBareOptions), "TRAILING_DATA reset");
  EXPECT_EQ(result("HELLO 101"), "open in step 2");
}

TEST(ClientHandshake, AnErrorAnswerIsKeptForPeople) {
  for (size_t size : {size_t{1}, size_t{64}}) {
    Client client;
    client.stream.set_max_read(size);
    client.Receive("");
    client.Receive("ERROR OVERSIZE a message is at most 64 bytes\n");
    EXPECT_EQ(client.Result(), "PEER_ERROR reset");
    EXPECT_EQ(client.machine.input(), "ERROR OVERSIZE a message is at most 64 bytes\n");
  }
}

TEST(ClientHandshake, AnErrorAnswerNeedsNoLineFeedBeforeTheEnd) {
  Client client;
  client.Receive("");
  EXPECT_EQ(client.Receive("ERROR SHED"), "");
  EXPECT_EQ(client.End().Result(), "PEER_ERROR reset");
  Client endless;
  endless.Receive("");
  endless.Receive("ERROR " + std::string(58, 'x'));
  EXPECT_EQ(endless.Result(), "PEER_ERROR reset");
}

TEST(ClientHandshake, AnErrorAnswerBehindMessage3IsNoSuccess) {
  Confirmed client;
  client.Receive("ERROR MISMATCH the number");
  EXPECT_EQ(client.Result(), "open in step 3");
  EXPECT_EQ(client.End().Result(), "PEER_ERROR reset");
}

TEST(ClientHandshake, ProbesForTheEndBeforeItSendsMessage3) {
  Client client;
  client.Receive("");
  client.stream.ArriveEnd();
  EXPECT_EQ(client.Receive("HELLO 101\n"), "");
  EXPECT_EQ(client.Result(), "PEER_GONE_STEP_3 reset");
}

TEST(ClientHandshake, ProbeSeesResetsAnswersAndTrailingData) {
  const auto after_reply = [](std::string_view bytes) {
    Client client;
    client.Receive("");
    client.stream.set_max_read(10);  // the reply alone, then the rest
    EXPECT_EQ(client.Receive("HELLO 101\n" + std::string(bytes)), "");
    return client.Result();
  };
  EXPECT_EQ(after_reply("ERROR X\n"), "PEER_ERROR reset");
  EXPECT_EQ(after_reply("HELLO"), "TRAILING_DATA reset");
  Client client;
  client.Receive("");
  client.stream.ArriveReset();
  EXPECT_EQ(client.Receive("HELLO 101\n"), "");
  EXPECT_EQ(client.Result(), "PEER_RESET_STEP_3 reset");
}

TEST(ClientHandshake, AllButFinAndErrorBehindMessage3IsUnconfirmed) {
  EXPECT_EQ(Confirmed().Reset().Result(), "UNCONFIRMED reset");
  EXPECT_EQ(Confirmed().Wait(kStepTimeout).Result(), "UNCONFIRMED reset");
  Confirmed trailing;
  trailing.Receive("x");
  EXPECT_EQ(trailing.Result(), "UNCONFIRMED reset");
  Confirmed broken;
  broken.Receive("ERR");
  EXPECT_EQ(broken.End().Result(), "UNCONFIRMED reset");
}

TEST(ClientHandshake, PeersThatCloseAreGoneInTheirStep) {
  Client first;
  first.stream.set_blocked(true);
  first.Receive("");
  EXPECT_EQ(first.Reset().Result(), "PEER_RESET_STEP_1 reset");
  Client second;
  second.Receive("");
  EXPECT_EQ(second.End().Result(), "PEER_GONE_STEP_2 reset");
  Client third;
  third.Receive("");
  third.Receive("HELLO 10");
  EXPECT_EQ(third.Reset().Result(), "PEER_RESET_STEP_2 reset");
}

TEST(ClientHandshake, EveryStepHasItsDeadline) {
  Client first;
  first.stream.set_blocked(true);
  EXPECT_EQ(first.Wait(kStepTimeout - 1us).Result(), "open in step 1");
  EXPECT_EQ(first.Wait(1us).Result(), "TIMEOUT_STEP_1 reset");
  Client second;
  second.Receive("");
  second.Receive("HELLO");
  EXPECT_EQ(second.Wait(kStepTimeout).Result(), "TIMEOUT_STEP_2 reset");
  Client third;
  third.Receive("");
  third.stream.set_blocked(true);
  third.Receive("HELLO 101\n");
  EXPECT_EQ(third.Wait(kStepTimeout).Result(), "TIMEOUT_STEP_3 reset");
}

TEST(ClientHandshake, Step3HasOneClockForMessage3AndTheEnd) {
  Client client;
  client.Receive("");
  client.stream.set_blocked(true);
  client.Receive("HELLO 101\n");
  client.Wait(3s);
  client.stream.set_blocked(false);
  EXPECT_EQ(client.Wait(0s).stream.Take(), "HELLO 102\n");
  EXPECT_EQ(client.Wait(2s - 1us).Result(), "open in step 3");
  EXPECT_EQ(client.Wait(1us).Result(), "UNCONFIRMED reset");
}

TEST(ClientHandshake, TheHandshakeHasADeadlineToo) {
  Client client(1, {.framing = Framing::kLine, .step_timeout = 8s});
  client.Receive("");
  client.Wait(7s).Receive("HELLO 2\n");
  EXPECT_EQ(client.Wait(3s - 1us).Result(), "open in step 3");
  EXPECT_EQ(client.Wait(1us).Result(), "UNCONFIRMED reset");
}

}  // namespace
}  // namespace handshake::wire

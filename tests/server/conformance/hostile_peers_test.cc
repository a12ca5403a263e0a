// Engine conformance: peers that are slow, rude, gone, or many.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/conformance/conformance.h"

namespace handshake::test {
namespace {

using namespace std::chrono_literals;
using wire::Framing;
using wire::Verdict;

class HostilePeers : public Conformance {
 protected:
  // Sends one byte whenever the server has read the one before, until the server says something.
  void Drip(RawClient& client, std::string_view bytes);
};
HANDSHAKE_FOR_ALL_MODES(HostilePeers);

void HostilePeers::Drip(RawClient& client, std::string_view bytes) {
  const int64_t before = Ledger().bytes_received;
  int64_t sent = 0;
  for (char c : bytes) {
    if (!client.Send({&c, 1})) return;
    ++sent;
    AwaitLedger("the byte was read, or the peer rejected", [&](const server::ModeStats& stats) {
      return stats.bytes_received >= before + sent || stats.failed() > 0;
    });
    if (Ledger().failed() > 0) return;
  }
}

TEST_P(HostilePeers, BytesNeverExtendADeadline) {
  Start({{.framing = Framing::kLine, .step_timeout = 400ms}});
  const auto begin = std::chrono::steady_clock::now();
  RawClient client(address());
  Drip(client, "HELLO 1234567890123\n");  // at a byte in up to 100 ms this needs some 2 s
  EXPECT_EQ(client.ReceiveAll().bytes, "ERROR TIMEOUT_STEP_1 HELLO X did not arrive in time\n");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 400ms);
  client.Close();
  AwaitEnded(1);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kTimeoutStep1, 1}}));
}

TEST_P(HostilePeers, TheHandshakeHasADeadlineOfItsOwn) {
  Start({{.framing = Framing::kLine, .step_timeout = 30s, .handshake_timeout = 400ms}});
  GoodClient client(address());
  ASSERT_TRUE(client.Hello());
  EXPECT_EQ(client.raw().ReceiveAll().bytes,
            "ERROR TIMEOUT_STEP_3 HELLO X+2 did not arrive in time\n");
  client.raw().Close();
  AwaitEnded(1);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kTimeoutStep3, 1}}));
}

TEST_P(HostilePeers, TheReasonArrivesThrough64KiBOfGarbage) {
  Start(Framing::kLine);
  for (int i = 0; i < 20; ++i) {
    RawClient client(address());
    client.Send(std::string(64 * 1024, 'x'));
    const RawClient::Rest rest = client.ReceiveAll();
    EXPECT_EQ(rest.bytes, "ERROR OVERSIZE a message is at most 64 bytes\n");
    EXPECT_EQ(StreamEndName(rest.end), "FIN");
  }
  AwaitEnded(20);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOversize, 20}}));
}

TEST_P(HostilePeers, AFarewellThatIsNotAnsweredEndsInTime) {
  Start(Framing::kLine);
  RawClient client(address());
  ASSERT_TRUE(client.Send("GARBAGE\n"));
  EXPECT_EQ(StreamEndName(client.ReceiveAll().end), "FIN");
  AwaitEnded(1);  // although the client stays
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kMalformed, 1}}));
}

TEST_P(HostilePeers, ClosesAndResetsAtEachStep) {
  Start(Framing::kLine);
  constexpr int64_t kRounds = 25;
  for (int64_t i = 0; i < kRounds; ++i) {
    {
      RawClient closes_at_once(address());
    }
    {
      RawClient closes_in_message_1(address());
      closes_in_message_1.Send("HELLO");
    }
    RawClient(address()).Reset();
    GoodClient closes_after_message_2(address());
    ASSERT_TRUE(closes_after_message_2.Hello());
    closes_after_message_2.raw().Close();
    GoodClient resets_after_message_2(address());
    ASSERT_TRUE(resets_after_message_2.Hello());
    resets_after_message_2.raw().Reset();
    EXPECT_TRUE(GoodClient(address(), i).Run());
  }
  AwaitEnded(6 * kRounds);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, kRounds},
                               {Verdict::kPeerGoneStep1, 2 * kRounds},
                               {Verdict::kPeerGoneStep3, kRounds},
                               {Verdict::kPeerResetStep1, kRounds},
                               {Verdict::kPeerResetStep3, kRounds}}));
}

// A good client is served while others are silent, as long as the mode has room beside them.
TEST_P(HostilePeers, GoodClientsBesideSilentOnes) {
  Start({{.framing = Framing::kLine, .step_timeout = 30s, .handshake_timeout = 60s}});
  const int64_t silent_count = std::min<int64_t>(1'000, MaxConcurrent() - 1);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int64_t i = 0; i < silent_count; ++i) {
    silent.push_back(std::make_unique<RawClient>(address()));
    ASSERT_TRUE(silent.back()->connected());
    if (i % 2 == 1) silent.back()->Send("HELL");
  }
  AwaitLedger("all silent ones taken",
              [&](const auto& stats) { return stats.in_flight == silent_count; });
  for (int64_t x = 0; x < 20; ++x) EXPECT_TRUE(GoodClient(address(), x).Run());
  AwaitLedger("20 completed", [](const auto& stats) { return stats.completed() == 20; });
  EXPECT_EQ(Ledger().in_flight, silent_count);  // they are all still there
  silent.clear();
  AwaitEnded(silent_count + 20);
  Verdicts expected = {{Verdict::kOk, 20}};
  if (silent_count > 0) expected[Verdict::kPeerGoneStep1] = silent_count;
  EXPECT_EQ(Ended(), expected);
}

// More silent clients than the mode has room for: the good one waits until their deadlines have
// made room, and is served then. In modes with room for thousands nobody waits.
TEST_P(HostilePeers, AGoodClientBehindSilentOnesIsServedAfterTheirDeadlines) {
  Start({{.framing = Framing::kLine, .step_timeout = 200ms}});
  const int64_t silent_count = std::min<int64_t>(1'000, 4 * MaxConcurrent());
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int64_t i = 0; i < silent_count; ++i) {
    silent.push_back(std::make_unique<RawClient>(address()));
    ASSERT_TRUE(silent.back()->connected());
  }
  EXPECT_TRUE(GoodClient(address()).Run());
  AwaitEnded(silent_count + 1);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, 1}, {Verdict::kTimeoutStep1, silent_count}}));
  for (const auto& client : silent) {
    EXPECT_EQ(client->ReceiveAll().bytes, "ERROR TIMEOUT_STEP_1 HELLO X did not arrive in time\n");
  }
}

TEST_P(HostilePeers, ManyAtOnceFromManyThreads) {
  Start(Framing::kAuto);
  constexpr int kThreads = 4;
  constexpr int64_t kEach = 100;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      for (int64_t x = 0; x < kEach; ++x) {
        EXPECT_TRUE(GoodClient(address(), x).Run());
        if (x % 10 == i) RawClient(address()).Send("GARBAGE\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  AwaitEnded(kThreads * (kEach + kEach / 10));
  EXPECT_EQ(Ended()[Verdict::kOk], kThreads * kEach);
}

}  // namespace
}  // namespace handshake::test

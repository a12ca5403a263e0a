// Engine conformance: handshakes that go well.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "common/wire/message.h"
#include "tests/server/conformance/conformance.h"

namespace handshake::test {
namespace {

using wire::Framing;
using wire::Verdict;

class HappyPath : public Conformance {};
HANDSHAKE_FOR_ALL_MODES(HappyPath);

constexpr int64_t kExtremes[] = {
    std::numeric_limits<int64_t>::min(), -2, -1, 0, 8, 98, 100, wire::kMaxSequence};

TEST_P(HappyPath, AllFramingsAndExtremesOfX) {
  Start({{.framing = Framing::kAuto}, {.framing = Framing::kLine}, {.framing = Framing::kBare}});
  struct Peer {
    size_t listener;
    std::string_view terminator;
  };
  int64_t count = 0;
  for (const auto& [listener, terminator] :
       {Peer{0, "\n"}, Peer{0, "\r\n"}, Peer{0, ""}, Peer{1, "\n"}, Peer{1, "\r\n"}, Peer{2, ""}}) {
    for (int64_t x : kExtremes) {
      EXPECT_TRUE(GoodClient(address(listener), x, terminator).Run()) << x;
      ++count;
    }
  }
  AwaitEnded(count);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, count}}));
}

// As the widespread teaching clients do it: no terminator, reads of up to 64 bytes.
TEST_P(HappyPath, TeachingClient) {
  Start({{.framing = Framing::kAuto}, {.framing = Framing::kBare}});
  for (size_t listener : {0, 1}) {
    RawClient client(address(listener));
    ASSERT_TRUE(client.Send("HELLO 100"));
    EXPECT_EQ(client.ReadOnce(64), "HELLO 101");
    ASSERT_TRUE(client.Send("HELLO 102"));
    EXPECT_EQ(client.ReadOnce(64), "");
  }
  AwaitEnded(2);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, 2}}));
}

TEST_P(HappyPath, OneAfterTheOther) {
  Start(Framing::kLine);
  constexpr int64_t kCount = 300;
  for (int64_t x = 0; x < kCount; ++x) ASSERT_TRUE(GoodClient(address(), x).Run());
  AwaitEnded(kCount);
  const server::ModeStats ledger = Ledger();
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, kCount}}));
  EXPECT_EQ(ledger.accepted, kCount);
  EXPECT_EQ(ledger.completed(), kCount);
  EXPECT_EQ(ledger.failed(), 0);
  EXPECT_EQ(ledger.handed_over, 0);
}

TEST_P(HappyPath, CountsBytesAndTimes) {
  Start(Framing::kLine);
  ASSERT_TRUE(GoodClient(address(), 100).Run());
  AwaitEnded(1);
  const server::ModeStats ledger = Ledger();
  EXPECT_EQ(ledger.bytes_received, 20);  // HELLO 100 and HELLO 102, with LF
  EXPECT_EQ(ledger.bytes_sent, 10);
  EXPECT_EQ(ledger.handshake.count(), 1);
  EXPECT_EQ(ledger.first_byte.count(), 1);
  EXPECT_EQ(ledger.first_to_last.count(), 1);
}

TEST_P(HappyPath, HeldCountsThosePastMessage2) {
  Start(Framing::kLine);
  GoodClient client(address());
  ASSERT_TRUE(client.Hello());
  EXPECT_TRUE(AwaitLedger("one held", [](const auto& stats) { return stats.held == 1; }));
  EXPECT_EQ(Ledger().in_flight, 1);
  EXPECT_TRUE(client.Confirm());
}

TEST_P(HappyPath, ManyListenersOfBothFamilies) {
  server::DataPlaneOptions options;
  for (const char* address : {"127.0.0.1:0", "[::1]:0", "127.0.0.2:0"}) {
    for (Framing framing : {Framing::kLine, Framing::kBare}) {
      options.listeners.push_back({.address = *net::Address::Parse(address),
                                   .protocol = wire::HandshakeOptions{.framing = framing}});
    }
  }
  Start(options);
  ASSERT_EQ(plane().addresses().size(), options.listeners.size());
  for (int round = 0; round < 5; ++round) {
    for (size_t i = 0; i < options.listeners.size(); ++i) {
      EXPECT_NE(address(i).port(), 0);
      EXPECT_EQ(address(i).family(), options.listeners[i].address.family());
      EXPECT_TRUE(GoodClient(address(i), round, i % 2 == 0 ? "\n" : "").Run());
    }
  }
  AwaitEnded(30);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, 30}}));
  const auto snapshot = plane().Stats();
  ASSERT_EQ(snapshot->listeners.size(), options.listeners.size());
  for (size_t i = 0; i < options.listeners.size(); ++i) {
    EXPECT_EQ(snapshot->listeners[i].address, address(i).ToString());
    EXPECT_EQ(snapshot->listeners[i].protocol, "handshake");
    EXPECT_EQ(snapshot->listeners[i].framing, i % 2 == 0 ? "line" : "bare");
    EXPECT_EQ(snapshot->listeners[i].dropped, 0);
  }
}

}  // namespace
}  // namespace handshake::test

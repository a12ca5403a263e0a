#include "server/door/take_gate.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace handshake::server {
namespace {

TEST(TakeGateTest, LetsTakersInUntilItIsClosed) {
  TakeGate gate;
  ASSERT_TRUE(gate.Enter());
  gate.Leave();
  EXPECT_FALSE(gate.closed());
  gate.Close();
  EXPECT_TRUE(gate.closed());
  EXPECT_TRUE(gate.acknowledged());
  EXPECT_FALSE(gate.Enter());
}

TEST(TakeGateTest, ClosingTwiceIsClosingOnce) {
  TakeGate gate;
  gate.Close();
  gate.Close();
  EXPECT_FALSE(gate.Enter());
}

TEST(TakeGateTest, CloseWaitsForTheTakerInside) {
  TakeGate gate;
  ASSERT_TRUE(gate.Enter());
  std::atomic<bool> returned{false};
  std::thread closer([&] {
    gate.Close();
    returned.store(true);
  });
  while (!gate.closed()) std::this_thread::yield();
  // The closer is committed and a taker is inside: it cannot have acknowledged.
  EXPECT_FALSE(gate.acknowledged());
  EXPECT_FALSE(returned.load());
  gate.Leave();
  closer.join();
  EXPECT_TRUE(gate.acknowledged());
}

// Many takers and one Close, many times: after Close() has returned nobody is inside.
TEST(TakeGateTest, NobodyIsInsideAfterClose) {
  for (int round = 0; round < 300; ++round) {
    TakeGate gate;
    std::atomic<int> inside{0};
    std::atomic<bool> closed{false};
    std::atomic<int> late{0};
    std::vector<std::thread> takers;
    for (int i = 0; i < 3; ++i) {
      takers.emplace_back([&] {
        while (gate.Enter()) {
          inside.fetch_add(1);
          if (closed.load()) late.fetch_add(1);
          inside.fetch_sub(1);
          gate.Leave();
        }
      });
    }
    gate.Close();
    closed.store(true);
    EXPECT_EQ(inside.load(), 0);
    for (std::thread& taker : takers) taker.join();
    ASSERT_EQ(late.load(), 0) << "round " << round;
  }
}

}  // namespace
}  // namespace handshake::server

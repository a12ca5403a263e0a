// Engine conformance: the end of a data plane.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
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

class Stop : public Conformance {
 protected:
  // A stop that has begun: the plane refuses a switch with UNAVAILABLE.
  void AwaitStopping() {
    server::SwitchRequest request;
    request.target = mode();
    request.dry_run = true;
    AwaitLedger("the plane is stopping", [&](const auto&) {
      return plane().Switch(request).status().code() == absl::StatusCode::kUnavailable;
    });
  }
};
HANDSHAKE_FOR_ALL_MODES(Stop);

TEST_P(Stop, AtRestIsQuickAndFinal) {
  Start(Framing::kLine);
  const net::Address server = address();
  EXPECT_TRUE(GoodClient(server).Run());
  const auto begin = std::chrono::steady_clock::now();
  plane().Stop(60s);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_EQ(RawClient(server).error(), ECONNREFUSED);
  plane().Stop(60s);  // again
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, 1}}));
}

TEST_P(Stop, TheOneInFlightFinishes) {
  Start(Framing::kLine);
  GoodClient client(address());
  ASSERT_TRUE(client.Hello());
  std::thread stopping([this] { plane().Stop(60s); });
  AwaitStopping();
  EXPECT_TRUE(client.Confirm());
  stopping.join();
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, 1}}));
}

TEST_P(Stop, TheSilentAreClosedAtItsDeadline) {
  Start(Framing::kLine);
  const int64_t count = std::min<int64_t>(50, MaxConcurrent());
  std::vector<std::unique_ptr<GoodClient>> silent;
  for (int64_t i = 0; i < count; ++i) {
    silent.push_back(std::make_unique<GoodClient>(address()));
    ASSERT_TRUE(silent.back()->Hello());
  }
  const auto begin = std::chrono::steady_clock::now();
  plane().Stop(200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);  // not their own deadlines
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kClosedAtShutdown, count}}));
  for (const auto& client : silent) {
    EXPECT_EQ(StreamEndName(client->raw().ReceiveAll().end), "RST");
  }
}

TEST_P(Stop, WithoutDrainClosesAllAtOnce) {
  Start(Framing::kLine);
  GoodClient client(address());
  ASSERT_TRUE(client.Hello());
  plane().Stop(0s);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kClosedAtShutdown, 1}}));
  EXPECT_EQ(StreamEndName(client.raw().ReceiveAll().end), "RST");
}

TEST_P(Stop, ThosePeersThatFailMeanwhileKeepTheirVerdict) {
  Start(Framing::kLine);
  GoodClient client(address());
  ASSERT_TRUE(client.Hello());
  std::thread stopping([this] { plane().Stop(60s); });
  AwaitStopping();
  EXPECT_TRUE(client.raw().Send("HELLO 100\n"));
  EXPECT_EQ(client.raw().ReceiveAll().bytes,
            "ERROR MISMATCH the number is not the one this step requires\n");
  client.raw().Close();
  stopping.join();
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kMismatch, 1}}));
}

}  // namespace
}  // namespace handshake::test

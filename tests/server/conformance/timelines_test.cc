// Engine conformance: when the steps of sampled handshakes happen.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/server/conformance/conformance.h"

namespace handshake::test {
namespace {

using server::Timeline;
using wire::Clock;
using wire::Framing;
using wire::TimePoint;
using namespace std::chrono_literals;

class TimelinesConformance : public Conformance {
 protected:
  // A handshake with `x` and message ends as given; its sample lies between what the client did.
  void ExpectSample(int64_t x, std::string_view terminator) {
    const absl::StatusOr<int64_t> recording =
        plane().RecordTimelines({.stride = 10, .length = 1min});
    ASSERT_TRUE(recording.ok()) << recording.status();
    const TimePoint before = Clock::now();
    GoodClient client(address(), x, terminator);
    const TimePoint connected = Clock::now();
    ASSERT_TRUE(client.Hello());
    const TimePoint replied = Clock::now();
    ASSERT_TRUE(client.Confirm());
    const TimePoint ended = Clock::now();
    ASSERT_TRUE(GoodClient(address(), x + 1).Run());  // not sampled

    const auto collected = plane().CollectTimelines(*recording);
    ASSERT_TRUE(collected.ok()) << collected.status();
    ASSERT_EQ(collected->ended.size(), 1);
    const Timeline& timeline = collected->ended.front();
    EXPECT_EQ(timeline.sequence, x);
    EXPECT_EQ(timeline.mode, mode());
    EXPECT_EQ(timeline.verdict, wire::Verdict::kOk);
    ASSERT_TRUE(timeline.picked_up.has_value());
    EXPECT_LE(before, timeline.accepted);
    EXPECT_LE(timeline.accepted, *timeline.picked_up);
    EXPECT_LE(*timeline.picked_up, timeline.first_byte);
    EXPECT_LE(connected, timeline.first_byte + 1us);  // whole microseconds
    EXPECT_LE(timeline.first_byte, timeline.replied);
    EXPECT_LE(timeline.replied, replied);
    EXPECT_LE(replied, timeline.ended);
    EXPECT_LE(timeline.ended, ended);
  }
};
HANDSHAKE_FOR_ALL_MODES(TimelinesConformance);

TEST_P(TimelinesConformance, LieBetweenWhatTheClientDid) {
  Start(Framing::kAuto);
  ExpectSample(100, "\n");
  ExpectSample(0, "\r\n");
  ExpectSample(-70, "");  // the end of the grace decides
}

TEST_P(TimelinesConformance, OfOneThatIsHeldIsOpen) {
  Start(Framing::kLine);
  const absl::StatusOr<int64_t> recording = plane().RecordTimelines({.length = 1min});
  ASSERT_TRUE(recording.ok()) << recording.status();
  GoodClient client(address());
  ASSERT_TRUE(client.Hello());
  const auto collected = plane().CollectTimelines(*recording);
  ASSERT_TRUE(collected.ok()) << collected.status();
  EXPECT_EQ(collected->ended.size(), 0);
  EXPECT_EQ(collected->open, 1);
  EXPECT_TRUE(client.Confirm());
}

}  // namespace
}  // namespace handshake::test

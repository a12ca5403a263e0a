// Timelines are recorded while modes are switched and connections are handed over.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"

namespace handshake::test {
namespace {

using server::Mode;
using server::Timeline;
using namespace std::chrono_literals;

class TimelinesStormTest : public DataPlaneFixture {
 protected:
  // What a recording during a switch to each of `targets` has.
  void RecordThrough(const std::vector<Mode>& targets, SwitchDriver& driver) {
    const absl::StatusOr<int64_t> recording =
        plane_->RecordTimelines({.most = server::kMostTimelines, .length = 1min});
    ASSERT_TRUE(recording.ok()) << recording.status();
    for (const Mode target : targets) {
      const int64_t completed = totals().completed;
      ASSERT_TRUE(driver.Switch(target, wire::Duration::zero()));
      ASSERT_TRUE(WaitUntil([&] { return totals().completed > completed; }));
    }
    const auto collected = plane_->CollectTimelines(*recording);
    ASSERT_TRUE(collected.ok()) << collected.status();
    EXPECT_GT(collected->ended.size(), 0);
    for (const Timeline& timeline : collected->ended) {
      modes_.insert(timeline.mode);
      if (timeline.picked_up) {
        ASSERT_LE(timeline.accepted, *timeline.picked_up);
        ASSERT_LE(*timeline.picked_up, timeline.first_byte);
      }
      ASSERT_LE(timeline.accepted, timeline.first_byte);
      ASSERT_LE(timeline.first_byte, timeline.replied);
      ASSERT_LE(timeline.replied, timeline.ended);
    }
  }

  std::set<Mode> modes_;
};

TEST_F(TimelinesStormTest, ThroughSwitchesTheyStayInOrder) {
  Start(Mode::kEpoll);
  LoadProcess load(address(), {.busy = 8});
  SwitchDriver driver(*plane_);
  const std::vector<Mode> through = {
      Mode::kIoUring,   Mode::kThreadPool, Mode::kThreadPerConnection,
      Mode::kCoroutine, Mode::kSequential, Mode::kEpoll};
  for (int round = 0; round < 3; ++round) RecordThrough(through, driver);
  EXPECT_EQ(modes_.size(), server::kModes.size());
  EXPECT_TRUE(driver.Settle());
  FinishAndCheck(load);
}

}  // namespace
}  // namespace handshake::test

// The switch storm: every ordered pair of modes, under load from another process, with clients
// silent at every point of the handshake. Nothing may be lost, and nobody may wait.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "server/door/mode.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/hand_over_table.h"
#include "tests/server/storm/hold_point.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/mode_tour.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/interpose.h"

namespace handshake::test {
namespace {

using server::Mode;
using std::chrono::milliseconds;

class StormTest : public DataPlaneFixture {
 protected:
  StormTest() {
    engine_.max_threads = 8'192;
    engine_.pool_threads = 16;
  }
};

// How much a storm does: at least this, and until every cell of the table is filled, but not for
// longer than `at_most`.
struct StormSize {
  int64_t switches;
  int64_t handshakes;
  std::chrono::seconds at_most;
  int64_t floor_per_second;  // less load than this proves nothing
};

StormSize SizeOfThisRun() {
  if (IsCampaign()) return {1'000, 1'000'000, std::chrono::minutes(20), 200};
  if (kSanitized) return {240, 2'000, std::chrono::seconds(90), 20};
  return {1'000, 10'000, std::chrono::seconds(90), 200};
}

// Laps without a drain, with a short one, and with one so long that three generations overlap.
constexpr std::array<milliseconds, 3> kDrainTimeouts = {milliseconds(0), milliseconds(3),
                                                        milliseconds(1'000)};
constexpr milliseconds kSwitchInterval{10};

TEST_F(StormTest, EveryPairUnderLoad) {
  const StormSize size = SizeOfThisRun();
  Interpose::CutAnswers(kCutAnswerPrefix);
  Start(ModeTour().back());
  LoadProcess load(address(), {.busy = 8, .held = 60, .silence_ms = 200});
  SwitchDriver driver(*plane_);

  const auto began = std::chrono::steady_clock::now();
  auto next = began;
  auto enough = [&] {
    return driver.switches() >= size.switches && HandOverTable::LeastFilled() > 0 &&
           totals().completed >= size.handshakes;
  };
  for (size_t lap = 0; !enough(); ++lap) {
    if (std::chrono::steady_clock::now() - began > size.at_most) break;
    for (Mode target : ModeTour()) {
      next = std::max(next + kSwitchInterval, std::chrono::steady_clock::now());
      std::this_thread::sleep_until(next);  // the storm's metronome
      ASSERT_TRUE(driver.Switch(target, kDrainTimeouts[lap % kDrainTimeouts.size()]));
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;

  const Tally tally = FinishAndCheck(load);
  EXPECT_TRUE(driver.Settle()) << "a switch is never complete";
  const auto snapshot = NewSnapshot();
  const double per_second = static_cast<double>(tally.ok()) / took.count();
  EXPECT_GE(per_second, static_cast<double>(size.floor_per_second)) << "void: too little load";
  EXPECT_GE(driver.switches(), size.switches);
  EXPECT_GE(tally.ok(), size.handshakes);
  // Longer than any switch, drain or cut answer takes, and shorter than the deadlines, which would
  // rescue a connection that nobody watches.
  if (kTimed) {
    EXPECT_LE(tally["slowest_us"], 2'000'000) << "somebody was forgotten until his deadline";
  }
  EXPECT_EQ(driver.handed_over(), TotalsOf(*snapshot).handed_over);
  for (int i = 1; i < kHoldPointCount; ++i) {
    EXPECT_GT(tally["ok_after_" + std::string(kHoldPointNames[i])], 0) << kHoldPointNames[i];
  }
  EXPECT_GT(HandOverTable::LeastFilled(), 0) << "an empty cell:\n" << HandOverTable::ToString();

  std::printf("%s%s\n", HandOverTable::ToString().c_str(), tally.line().c_str());
  std::printf(
      "storm: %d switches, %d handshakes (%.0f/s), %d handed over, %d lost, switch ms %s, "
      "orphan gap ms p99 %.2f max %.2f, least filled cell %d\n",
      static_cast<int>(driver.switches()), static_cast<int>(tally.ok()), per_second,
      static_cast<int>(driver.handed_over()), static_cast<int>(tally.lost() + driver.lost()),
      driver.SwitchTimes().c_str(),
      static_cast<double>(snapshot->orphan_gap.AtPercentile(99)) / 1e3,
      static_cast<double>(snapshot->orphan_gap.Max()) / 1e3,
      static_cast<int>(HandOverTable::LeastFilled()));
}

// Every client sends a byte before each switch, so that all of them are in the old engine: what the
// lobby holds already would not be handed over.
TEST_F(StormTest, ManySilentClients) {
  const int held = IsCampaign() ? 5'000 : kSanitized ? 100 : 500;
  const int laps = kSanitized ? 1 : 10;
  Start(Mode::kEpoll, PatientHandshake());
  LoadProcess load(address(), {.busy = 3, .one_byte = held});
  SwitchDriver driver(*plane_);
  ASSERT_TRUE(WaitUntil([&] { return totals().accepted >= held; }));
  ASSERT_TRUE(driver.Switch(ModeTour().back(), milliseconds(0)));

  for (int lap = 0; lap < laps; ++lap) {
    for (Mode target : ModeTour()) {
      const Mode from = plane_->mode();
      load.Nudge();
      const bool unlimited = from == Mode::kEpoll || from == Mode::kThreadPerConnection;
      if (unlimited) {
        ASSERT_TRUE(WaitUntil([&] { return NewSnapshot()->lobby_count == 0; }));
      } else {
        NewSnapshot();  // it has taken what it can
      }
      ASSERT_TRUE(driver.Switch(target, milliseconds(0)));
      ASSERT_TRUE(driver.Settle());
      if (unlimited) {
        EXPECT_GE(driver.last().handed_over, held * 9 / 10) << server::ModeName(from);
      }
    }
  }

  const Tally tally = FinishAndCheck(load);
  const auto snapshot = NewSnapshot();
  EXPECT_GE(tally.ok(), held);
  const double gap_p99_ms = static_cast<double>(snapshot->orphan_gap.AtPercentile(99)) / 1e3;
  const double gap_max_ms = static_cast<double>(snapshot->orphan_gap.Max()) / 1e3;
  std::printf(
      "storm with %d silent: %d switches, %d handed over, %d lost, switch ms %s, "
      "orphan gap ms p99 %.2f max %.2f\n",
      held, static_cast<int>(driver.switches()), static_cast<int>(driver.handed_over()),
      static_cast<int>(tally.lost() + driver.lost()), driver.SwitchTimes().c_str(), gap_p99_ms,
      gap_max_ms);
  if (!kTimed) return;
  EXPECT_LE(PercentileMs(driver.switch_times(), 99), 10.0);
  EXPECT_LE(gap_p99_ms, 5.0);
  EXPECT_LE(gap_max_ms, 25.0);
}

TEST_F(StormTest, SilentClientDoesNotDelaySequential) {
  constexpr int kRounds = 50;
  Start(Mode::kSequential, PatientHandshake());
  LoadProcess load(address(), {.one_byte = 1});
  SwitchDriver driver(*plane_);
  std::vector<std::chrono::nanoseconds> away;
  for (int round = 0; round < kRounds; ++round) {
    // The one client is in the sequential engine and says nothing more.
    ASSERT_TRUE(WaitUntil([&] {
      const auto now = NewSnapshot();
      return TotalsOf(*now).in_flight == 1 && now->lobby_count == 0;
    }));
    ASSERT_TRUE(driver.Switch(Mode::kEpoll, milliseconds(0)));
    away.push_back(driver.switch_times().back());
    ASSERT_TRUE(driver.Settle());
    ASSERT_TRUE(driver.Switch(Mode::kSequential, milliseconds(0)));
    ASSERT_TRUE(driver.Settle());
    load.Nudge();
  }
  FinishAndCheck(load);
  if (kTimed) {
    EXPECT_LE(PercentileMs(away, 99), 10.0);
  }
}

}  // namespace
}  // namespace handshake::test

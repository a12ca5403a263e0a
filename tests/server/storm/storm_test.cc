// The switch storm: every ordered pair of modes, under load from another process, with clients
// silent at every point of the handshake. Nothing may be lost, and nobody may wait.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/wire/verdict.h"
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

// The time a record spent between an engine and the lobby's watch.
struct Gap {
  double p99_ms;
  double max_ms;
  std::string ToString() const {
    return absl::StrFormat("orphan gap ms p99 %.2f max %.2f", p99_ms, max_ms);
  }
};

Gap GapOf(const server::Snapshot& snapshot) {
  return {.p99_ms = static_cast<double>(snapshot.orphan_gap.AtPercentile(99)) / 1e3,
          .max_ms = static_cast<double>(snapshot.orphan_gap.Max()) / 1e3};
}

// The last line of a campaign is what it reports.
void PrintFigures(const std::string& line) {
  std::printf("%s%s\n", IsCampaign() ? "campaign " : "", line.c_str());
}

// How much a storm does: at least this, and until every cell of the table is filled, but not for
// longer than `at_most`.
struct StormSize {
  int64_t switches;
  int64_t handshakes;
  std::chrono::seconds at_most;
  int64_t floor_per_second;  // less load than this proves nothing
};

StormSize SizeOfThisRun() {
  // A build with a known bug needs no more than it takes to go red: see tests/mutants.
  if (const char* seconds = std::getenv("HANDSHAKE_STORM_SECONDS")) {
    return {1'000, 10'000, std::chrono::seconds(std::atoi(seconds)), 200};
  }
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
    return driver.switches() >= size.switches && (kSanitized || HandOverTable::LeastFilled() > 0) &&
           totals().completed >= size.handshakes;
  };
  for (size_t lap = 0; !enough(); ++lap) {
    if (std::chrono::steady_clock::now() - began > size.at_most) break;
    for (Mode target : ModeTour()) {
      next = std::max(next + kSwitchInterval, std::chrono::steady_clock::now());
      std::this_thread::sleep_until(next);  // NOLINT(sleep): the storm's metronome
      // What two engines hand over at once cannot be told apart: for the table, the laps without a
      // drain wait for the hand-over before, should it take longer than the interval.
      if (lap % kDrainTimeouts.size() == 0) {
        ASSERT_TRUE(driver.Settle());
      }
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
  if (!kSanitized) {
    EXPECT_LE(tally["slowest_us"], 4'000'000) << "somebody was forgotten until his deadline";
  }
  EXPECT_EQ(driver.handed_over(), TotalsOf(*snapshot).handed_over);
  for (int i = 1; i < kHoldPointCount; ++i) {
    EXPECT_GT(tally["ok_after_" + std::string(kHoldPointNames[i])], 0) << kHoldPointNames[i];
  }
  // Sanitized, the rarest hand-overs are too rare for the time there is.
  if (!kSanitized) {
    EXPECT_GT(HandOverTable::LeastFilled(), 0) << "an empty cell:\n" << HandOverTable::ToString();
  }

  std::printf("%s%s\n", HandOverTable::ToString().c_str(), tally.line().c_str());
  PrintFigures(absl::StrFormat(
      "storm: %d switches, %d handshakes (%.0f/s), %d handed over, %d lost, switch ms %s, %s, "
      "least filled cell %d",
      driver.switches(), tally.ok(), per_second, driver.handed_over(), tally.lost() + driver.lost(),
      driver.SwitchTimes(), GapOf(*snapshot).ToString(), HandOverTable::LeastFilled()));
}

// Every client sends a byte before each switch, so that all of them are in the old engine: what the
// lobby holds already would not be handed over.
class SilentCrowdTest : public StormTest {
 protected:
  struct Figures {
    double switch_p99_ms;
    Gap gap;
    // The switch time is promised with 500 silent clients, the gap with 5,000 too.
    bool within_promises(int held) const {
      return (held > 500 || switch_p99_ms <= 10) && gap.p99_ms <= 5 && gap.max_ms <= 25;
    }
    Figures BestOfBoth(const Figures& other) const {
      Figures best = *this;
      best.switch_p99_ms = std::min(switch_p99_ms, other.switch_p99_ms);
      best.gap.p99_ms = std::min(gap.p99_ms, other.gap.p99_ms);
      best.gap.max_ms = std::min(gap.max_ms, other.gap.max_ms);
      return best;
    }
  };

  Figures SwitchUnder(int held, int laps) {
    Start(Mode::kEpoll, PatientHandshake());
    LoadProcess load(address(), {.busy = 3, .one_byte = held});
    SwitchDriver driver(*plane_);
    EXPECT_TRUE(WaitUntil([&] { return totals().accepted >= held; }));
    EXPECT_TRUE(driver.Switch(ModeTour().back(), milliseconds(0)));
    for (int i = 0; i < laps; ++i) Lap(held, load, driver);
    const Tally tally = FinishAndCheck(load);
    EXPECT_GE(tally.ok(), held);
    const Gap gap = GapOf(*NewSnapshot());
    PrintFigures(absl::StrFormat(
        "storm with %d silent: %d switches, %d handed over, %d lost, switch ms %s, %s", held,
        driver.switches(), driver.handed_over(), tally.lost() + driver.lost(), driver.SwitchTimes(),
        gap.ToString()));
    return {.switch_p99_ms = PercentileMs(driver.switch_times(), 99), .gap = gap};
  }

 private:
  void Lap(int held, LoadProcess& load, SwitchDriver& driver) {
    for (Mode target : ModeTour()) {
      const Mode from = plane_->mode();
      load.Nudge();
      const bool unlimited = ServesMany(from);
      if (unlimited) {
        // Those who end in this round come back at once.
        ASSERT_TRUE(WaitUntil([&] {
          const auto now = NewSnapshot();
          return now->lobby_count == 0 && TotalsOf(*now).in_flight >= held;
        }));
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
};

TEST_F(SilentCrowdTest, NobodyWaits) {
  const int held = IsCampaign() ? 5'000 : kSanitized ? 100 : 500;
  const int laps = kSanitized ? 1 : 4;
  // Other programs on the machine only ever add to a figure: the best of three runs counts.
  std::optional<Figures> best;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const Figures figures = SwitchUnder(held, laps);
    best = best ? best->BestOfBoth(figures) : figures;
    if (!kTimed || HasFailure() || best->within_promises(held)) return;
  }
  FAIL() << "switch time p99 <= 10 ms, orphan gap p99 <= 5 ms and worst <= 25 ms were never met";
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

// A hand-over gives nobody more time.
TEST_F(StormTest, DeadlinesAreNotExtended) {
  constexpr int kSilent = 30;
  constexpr milliseconds kStep{1'000};
  Start(Mode::kEpoll, {.framing = wire::Framing::kLine, .step_timeout = kStep});
  LoadProcess load(address(), {.one_byte = kSilent});
  ASSERT_TRUE(WaitUntil([&] { return totals().accepted >= kSilent; }));
  const auto accepted = std::chrono::steady_clock::now();
  SwitchDriver driver(*plane_);
  ASSERT_TRUE(driver.Switch(Mode::kThreadPool, milliseconds(0)));
  ASSERT_TRUE(driver.Settle());
  EXPECT_EQ(driver.handed_over(), kSilent);
  auto timed_out = [&] {
    const auto& stats = plane_->Stats()->modes[static_cast<size_t>(Mode::kEpoll)];
    return stats.ended[static_cast<size_t>(wire::Verdict::kTimeoutStep1)];
  };
  EXPECT_TRUE(WaitUntil([&] { return timed_out() >= kSilent; }))
      << "only " << timed_out() << " met their deadline";
  EXPECT_LE(std::chrono::steady_clock::now() - accepted, kStep + milliseconds(2'000))
      << "the deadline was extended";
}

}  // namespace
}  // namespace handshake::test

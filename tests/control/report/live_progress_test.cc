// The live line of a load run: what it says of now, from what it was before.
#include "control/report/live_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace handshake::report {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::LoadRun RunAt(double seconds, int64_t ok) {
  v1::LoadRun run;
  run.mutable_spec()->mutable_duration()->set_seconds(10);
  run.mutable_spec()->set_concurrency(100);
  const auto ms = static_cast<int64_t>(seconds * 1000);
  run.mutable_elapsed()->set_seconds(ms / 1000);
  run.mutable_elapsed()->set_nanos(static_cast<int32_t>(ms % 1000 * 1'000'000));
  run.set_ok_count(ok);
  run.set_ok_per_second(seconds > 0 ? static_cast<double>(ok) / seconds : 0);
  run.set_in_flight_count(100);
  run.mutable_handshake()->set_count(ok);
  run.mutable_handshake()->set_p99_us(1'250);
  return run;
}

TEST(Sparkline, IsScaledToTheHighest) {
  EXPECT_EQ(Sparkline({}), "");
  EXPECT_EQ(Sparkline({0, 0, 0}), "▁▁▁");
  EXPECT_EQ(Sparkline({5, 5}), "██");
  EXPECT_EQ(Sparkline({0, 1, 2, 3, 4, 5, 6, 7}), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline({700, 0, 350}), "█▁▅");
}

TEST(LiveProgress, TheFirstStateHasItsAverageAndNoChart) {
  EXPECT_EQ(LiveProgress().Add(RunAt(4.5, 9'000)),
            " 45%  5.50 s left  2.00k/s  p99 1.25 ms  0 failed  100 in flight");
  EXPECT_EQ(LiveProgress().Add(v1::LoadRun()), "  0%  0/s  0 failed  0 in flight");
}

TEST(LiveProgress, TheRateIsThatOfTheLastSecond) {
  LiveProgress progress;
  progress.Add(RunAt(1, 8'000));
  EXPECT_THAT(progress.Add(RunAt(1.5, 8'250)), HasSubstr("  500/s  ")) << "since the first";
  EXPECT_THAT(progress.Add(RunAt(2, 8'500)), HasSubstr("  500/s  "));
  EXPECT_THAT(progress.Add(RunAt(2.5, 8'500)), HasSubstr("  250/s  "));
  EXPECT_THAT(progress.Add(RunAt(3, 8'500)), HasSubstr("  0/s  "));
  EXPECT_THAT(progress.Add(RunAt(3, 8'500)), HasSubstr("  0/s  ")) << "the same once more";
}

TEST(LiveProgress, AWarmUpHasARateToo) {
  LiveProgress progress;
  progress.Add(RunAt(0, 0));
  v1::LoadRun warm = RunAt(1, 0);
  warm.mutable_left_out()->set_ok_count(300);
  EXPECT_THAT(progress.Add(warm), HasSubstr("  300/s  "));
}

TEST(LiveProgress, TheChartHasOneRateASecondTheNewestToTheRight) {
  LiveProgress progress;
  progress.Add(RunAt(0, 0));
  progress.Add(RunAt(0.5, 100));
  EXPECT_THAT(progress.Add(RunAt(1, 700)), EndsWith("in flight  █"));
  EXPECT_THAT(progress.Add(RunAt(1.5, 700)), EndsWith("in flight  █"));
  EXPECT_THAT(progress.Add(RunAt(2, 700)), EndsWith("in flight  █▁"));
  const std::string line = progress.Add(RunAt(3, 1'050));
  EXPECT_THAT(line, EndsWith("in flight  █▁▅"));
  // Cut to a width, the oldest go first; the scale is that of those shown.
  const size_t text = line.find("  █");
  EXPECT_THAT(progress.Add(RunAt(3, 1'050), text + 4), EndsWith("in flight  ▁█"));
  EXPECT_THAT(progress.Add(RunAt(3, 1'050), text + 2), EndsWith("in flight"));
  EXPECT_EQ(progress.Add(RunAt(3, 1'050), 4), " 30%");
  for (int second = 4; second < 50; ++second) progress.Add(RunAt(second, 1'050));
  std::string flat;
  for (size_t i = 0; i < LiveProgress::kMostRates; ++i) flat += "▁";
  EXPECT_THAT(progress.Add(RunAt(50, 1'050)), EndsWith("in flight  " + flat));
}

TEST(LiveProgress, TheTimeLeftIsThatOfTheNearerEnd) {
  LiveProgress progress;
  v1::LoadRun run = RunAt(1, 100);
  run.mutable_spec()->set_handshake_count(1'000);
  progress.Add(run);
  v1::LoadRun next = RunAt(2, 500);
  next.mutable_spec()->set_handshake_count(1'000);
  next.set_failed_count(100);
  EXPECT_THAT(progress.Add(next), StartsWith(" 60%  800 ms left  400/s  "))
      << "400 to go, 500 ended a second";
  next.mutable_spec()->clear_duration();
  v1::LoadRun stuck = next;
  stuck.mutable_elapsed()->set_seconds(3);
  EXPECT_THAT(progress.Add(stuck), StartsWith(" 60%  0/s  ")) << "nobody can tell";
  EXPECT_THAT(progress.Add(RunAt(12, 600)), StartsWith("100%  0 s left  ")) << "late";
}

TEST(LiveProgress, APauseIsNoRateAndItsTimeGoesOn) {
  LiveProgress progress;
  progress.Add(RunAt(1, 100));
  v1::LoadRun run = RunAt(2, 600);
  run.set_paused(true);
  run.mutable_spec()->set_handshake_count(700);
  EXPECT_THAT(progress.Add(run), StartsWith(" 86%  8.00 s left  paused  p99 1.25 ms  "));
}

TEST(LiveProgress, AnOpenLoopHasItsDropsAndTheLatencyFromTheIntendedStart) {
  v1::LoadRun run = RunAt(1, 100);
  run.mutable_spec()->set_rate_per_second(100);
  EXPECT_THAT(LiveProgress().Add(run), Not(HasSubstr("p99")));
  run.mutable_from_intended_start()->set_count(1);
  run.mutable_from_intended_start()->set_p99_us(7'000);
  run.set_dropped_count(3);
  EXPECT_THAT(LiveProgress().Add(run), HasSubstr("  p99 7.00 ms  0 failed  3 dropped  100 in "));
}

TEST(LiveProgress, NothingThatANetworkSaysMakesItWider) {
  for (const int64_t number :
       {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), int64_t{-1}}) {
    LiveProgress progress;
    for (int i = 0; i < 3; ++i) {
      v1::LoadRun run = RunAt(i, i % 2 == 0 ? number : 0);
      run.mutable_spec()->set_handshake_count(number);
      run.mutable_left_out()->set_ok_count(number);
      run.set_failed_count(number);
      run.set_dropped_count(number);
      run.set_in_flight_count(number);
      EXPECT_LE(progress.Add(run, 40).size(), 40);
    }
  }
}

}  // namespace
}  // namespace handshake::report

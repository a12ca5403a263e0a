#include "control/report/compare_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "common/stats/histogram.h"
#include "control/report/flags.h"
#include "control/report/histograms.h"

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

TEST(RandomRoundsTest, EachRoundVisitsAllOnceInAnOrderOfItsOwn) {
  const auto plan = RandomRounds(4, 400, 7);
  ASSERT_EQ(plan.size(), 400u);
  std::map<size_t, int> first;
  for (const std::vector<size_t>& round : plan) {
    EXPECT_THAT(round, UnorderedElementsAre(0, 1, 2, 3));
    ++first[round.front()];
  }
  // Each is the first in about a quarter of them: 100, with a standard deviation of 9.
  for (const auto& [index, times] : first) EXPECT_NEAR(times, 100, 45) << index;
  EXPECT_EQ(RandomRounds(4, 400, 7), plan);
  EXPECT_NE(RandomRounds(4, 400, 8), plan);
}

google::protobuf::Duration Milliseconds(int64_t ms) {
  google::protobuf::Duration span;
  span.set_seconds(ms / 1'000);
  span.set_nanos(static_cast<int32_t>(ms % 1'000 * 1'000'000));
  return span;
}

stats::Histogram Latencies(int64_t us, int64_t count) {
  stats::Histogram histogram(stats::kLoadLatencyLayout);
  histogram.Record(us, count);
  return histogram;
}

TEST(MeasureBlockTest, IsTheDifferenceOfTwoSnapshots) {
  v1::LoadRun run_before;
  *run_before.mutable_measured_time() = Milliseconds(1'900);
  run_before.set_ok_count(100);
  run_before.set_failed_count(3);
  stats::Histogram latencies = Latencies(90'000, 100);
  *run_before.mutable_histograms()->mutable_handshake() = ToProto(latencies);
  v1::LoadRun run_after = run_before;
  *run_after.mutable_measured_time() = Milliseconds(2'100);
  run_after.set_ok_count(150);
  run_after.set_failed_count(4);
  latencies.Record(200, 40);
  latencies.Record(1'000, 10);
  *run_after.mutable_histograms()->mutable_handshake() = ToProto(latencies);

  v1::Stats stats_before;
  stats_before.add_modes()->set_mode(v1::MODE_THREAD_POOL);
  stats_before.mutable_modes(0)->set_completed_count(9'999);
  v1::Stats stats_after = stats_before;
  v1::ModeStats& epoll = *stats_after.add_modes();  // had taken nothing before
  epoll.set_mode(v1::MODE_EPOLL);
  epoll.set_accepted_count(52);
  epoll.set_completed_count(50);
  epoll.set_failed_count(2);
  *epoll.mutable_engine_cpu_time() = Milliseconds(2);
  stats_after.mutable_process()->set_resident_bytes(5 << 20);
  stats_after.mutable_process()->set_thread_count(12);

  const v1::CompareBlock block =
      MeasureBlock(v1::MODE_EPOLL, run_before, run_after, stats_before, stats_after);
  EXPECT_EQ(block.measured_time().nanos(), 200'000'000);
  EXPECT_EQ(block.ok_count(), 50);
  EXPECT_EQ(block.failed_count(), 1);
  EXPECT_DOUBLE_EQ(block.ok_per_second(), 250);
  EXPECT_EQ(block.latency().count(), 50);
  EXPECT_EQ(block.latency().p50_us(), 200);
  EXPECT_EQ(block.latency().p90_us(), 1'000);
  EXPECT_EQ(FromProto(block.histogram())->count(), 50);
  EXPECT_EQ(block.accepted_count(), 52);
  EXPECT_EQ(block.completed_count(), 50);
  EXPECT_EQ(block.server_failed_count(), 2);
  EXPECT_EQ(block.engine_cpu_time().nanos(), 2'000'000);
  EXPECT_EQ(block.resident_bytes(), 5 << 20);
  EXPECT_EQ(block.thread_count(), 12);

  // An open loop's latency counts from the intended start.
  *run_before.mutable_histograms()->mutable_from_intended_start() = ToProto(Latencies(5, 1));
  stats::Histogram intended = Latencies(5, 1);
  intended.Record(777, 3);
  *run_after.mutable_histograms()->mutable_from_intended_start() = ToProto(intended);
  EXPECT_EQ(MeasureBlock(v1::MODE_EPOLL, run_before, run_after, stats_before, stats_after)
                .latency()
                .p50_us(),
            777);
  // Without histograms there is no latency, and no crash.
  run_after.clear_histograms();
  EXPECT_EQ(MeasureBlock(v1::MODE_EPOLL, run_before, run_after, stats_before, stats_after)
                .latency()
                .count(),
            0);
}

// `rounds` rounds of two modes: epoll as it is, thread-pool 10 % slower at the same CPU time. Both
// scatter by a few percent, each round alike.
v1::CompareReport TwoModes(int rounds) {
  v1::CompareReport report;
  report.set_baseline("epoll");
  report.set_confidence(kCompareConfidence);
  report.set_seed(1);
  report.set_round_count(rounds);
  report.set_done_round_count(rounds);
  report.mutable_load()->set_rate_per_second(1'000);
  report.mutable_load()->set_target("127.0.0.1:7000");
  for (const char* name : {"epoll", "thread-pool"}) report.add_modes()->set_name(name);
  for (int round = 1; round <= rounds; ++round) {
    for (int mode = 0; mode < 2; ++mode) {
      v1::CompareBlock& block = *report.add_blocks();
      block.set_round(round);
      block.set_name(report.modes(mode).name());
      const double level = 1 + 0.05 * std::sin(round) + 0.002 * std::cos(round * (mode + 1));
      block.mutable_latency()->set_count(1'000);
      block.mutable_latency()->set_p50_us(std::llround(10'000 * level * (mode == 1 ? 1.1 : 1)));
      block.mutable_latency()->set_p99_us(50'000 + 10 * ((round + mode) % 2));
      block.set_ok_per_second(1'000);
      block.set_completed_count(1'000);
      block.set_ok_count(1'000);
      *block.mutable_engine_cpu_time() = Milliseconds(30 + (round * 7 + mode * 3) % 5);
      block.set_resident_bytes(10 << 20);
      block.set_thread_count(9 + mode);
    }
  }
  report.set_ok_count(2'000 * rounds);
  return report;
}

TEST(SummarizeTest, FindsWhatIsThereAndNothingElse) {
  v1::CompareReport report = TwoModes(12);
  Summarize(report);
  const v1::ComparedMode& epoll = report.modes(0);
  const v1::ComparedMode& pool = report.modes(1);
  EXPECT_NEAR(epoll.p50().value(), 10'000, 300);
  EXPECT_LT(epoll.p50().low(), epoll.p50().value());
  EXPECT_GT(epoll.p50().high(), epoll.p50().value());
  EXPECT_FALSE(epoll.p50().has_ratio());  // it is the baseline
  EXPECT_NEAR(pool.p50().ratio(), 1.1, 0.01);
  EXPECT_LT(pool.p50().ratio_low(), 1.1);
  EXPECT_GT(pool.p50().ratio_high(), 1.1);
  EXPECT_TRUE(pool.p50().real());
  EXPECT_FALSE(pool.p99().real());
  EXPECT_FALSE(pool.cpu().real());
  EXPECT_NEAR(pool.cpu().value(), 32, 2);  // microseconds a handshake
  EXPECT_TRUE(pool.threads().real());
  EXPECT_EQ(pool.memory().value(), 10 << 20);
  EXPECT_FALSE(pool.memory().real());
  EXPECT_EQ(pool.ok_count(), 12'000);
}

TEST(SummarizeTest, OnlyCompleteRoundsCount) {
  v1::CompareReport report = TwoModes(12);
  report.set_done_round_count(8);
  for (v1::CompareBlock& block : *report.mutable_blocks()) {
    if (block.round() > 8) block.mutable_latency()->set_p50_us(1);
  }
  Summarize(report);
  EXPECT_GT(report.modes(0).p50().low(), 9'000);
  EXPECT_EQ(report.modes(0).ok_count(), 8'000);
}

TEST(SummarizeTest, TooFewBlocksShowNothingReal) {
  v1::CompareReport report = TwoModes(7);
  Summarize(report);
  EXPECT_TRUE(report.modes(1).p50().has_ratio());
  EXPECT_FALSE(report.modes(1).p50().has_ratio_low());
  EXPECT_FALSE(report.modes(1).p50().has_low());
  EXPECT_FALSE(report.modes(1).p50().real());
  EXPECT_THAT(ComparePage(report, {}), AllOf(HasSubstr("Too few to say what is real: it takes 8"),
                                             Not(HasSubstr(" real\n"))));
}

TEST(SummarizeTest, AModeThatServedNothingInABlockHasNoLatency) {
  v1::CompareReport report = TwoModes(9);
  report.mutable_blocks(5)->clear_latency();
  report.mutable_blocks(5)->set_completed_count(0);
  report.mutable_blocks(5)->set_ok_per_second(0);
  Summarize(report);
  const v1::ComparedMode& pool = report.modes(1);
  EXPECT_FALSE(pool.p50().has_value());
  EXPECT_FALSE(pool.cpu().has_value());
  EXPECT_EQ(pool.rate().value(), 1'000);  // the median of eight times 1,000 and one 0
  EXPECT_FALSE(pool.rate().has_ratio());
  EXPECT_TRUE(report.modes(0).p50().has_value());
  EXPECT_THAT(ComparePage(report, {}), HasSubstr("No ratio (-) where a block of either has 0"));
}

TEST(ComparePageTest, ShowsMediansIntervalsAndWhatIsReal) {
  v1::CompareReport report = TwoModes(12);
  report.set_bottleneck_reason("as planned");
  report.set_switch_count(24);
  v1::ModeInfo& skipped = *report.add_skipped_modes();
  skipped.set_name("io-uring");
  skipped.set_unavailable_reason("the kernel forbids it");
  Summarize(report);
  const std::string page = ComparePage(report, {});
  EXPECT_THAT(page, StartsWith("compared       epoll, thread-pool\n"));
  EXPECT_THAT(page, HasSubstr("skipped        io-uring: the kernel forbids it\n"));
  EXPECT_THAT(page, HasSubstr("load           1.00k/s, open loop to 127.0.0.1:7000\n"));
  EXPECT_THAT(page, HasSubstr("24,000 ok, 0 failed, over 24 switches"));
  EXPECT_THAT(page,
              ContainsRegex("MODE +P50 ms +P99 ms +RATE /s +CPU us +RSS MiB +THREADS +FAILED"));
  EXPECT_THAT(page, ContainsRegex("AGAINST epoll +P50 +P99 +RATE +CPU\n"
                                  "thread-pool +\\+(9.9|10.0|10.1)% real +not shown"));
  EXPECT_THAT(page, AllOf(HasSubstr("99% interval"), Not(HasSubstr("No ratio"))));
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(ComparePageTest, WhatLimitsItComesFirst) {
  v1::CompareReport report = TwoModes(12);
  report.set_generator_limited_round_count(3);
  report.set_bottleneck_reason("its threads were busy");
  report.set_done_round_count(10);
  report.set_stop_reason("interrupted");
  Summarize(report);
  EXPECT_THAT(
      ComparePage(report, {}),
      StartsWith("generator      it limited 3 of 10 rounds, whose numbers say as much of it "
                 "as of the modes: its\n               threads were busy\n"
                 "cut short      after 10 of 12 rounds: interrupted\n"));
}

TEST(ComparePageTest, NothingFromTheNetworkBreaksIt) {
  v1::CompareReport report = TwoModes(2);
  report.mutable_load()->set_target("\x1b[2J");
  report.set_bottleneck_reason("\n\n");
  report.mutable_modes(1)->set_name(std::string(200, 'x'));
  for (v1::CompareBlock& block : *report.mutable_blocks()) {
    block.set_ok_per_second(-1e27);
    block.set_resident_bytes(-1);
    block.mutable_latency()->set_p99_us(std::numeric_limits<int64_t>::min());
  }
  Summarize(report);
  const std::string page = ComparePage(report, {});
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(CompareExitCodeTest, TheFirstThatFits) {
  v1::CompareReport report = TwoModes(4);
  EXPECT_EQ(CompareExitCode(report), kExitOk);
  report.set_generator_limited_round_count(1);
  EXPECT_EQ(CompareExitCode(report), kExitOk);
  report.set_generator_limited_round_count(2);
  EXPECT_EQ(CompareExitCode(report), kExitGeneratorLimited);
  report.mutable_load()->clear_rate_per_second();  // a closed loop goes as fast as it can
  EXPECT_EQ(CompareExitCode(report), kExitOk);
  report.set_failed_count(1);
  EXPECT_EQ(CompareExitCode(report), kExitBadOutcome);
  EXPECT_EQ(CompareExitCode(v1::CompareReport()), kExitBadOutcome);
}

TEST(CompareProgressTest, SaysWhatIsLeft) {
  v1::CompareReport report = TwoModes(12);
  report.set_done_round_count(2);
  EXPECT_EQ(CompareProgress(report, 5, "thread-pool", std::chrono::seconds(75)),
            "round 3 of 12  block 6 of 24: thread-pool  0 failed  time left 1m 15s");
}

}  // namespace
}  // namespace handshake::report

#include "client/load_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Pair;
using wire::Verdict;

// The n-th second, from 0: n handshakes of n us.
LoadPoint Second(int64_t n) {
  stats::Histogram latency(stats::kServerLatencyLayout);
  if (n > 0) latency.Record(n, n);
  return {.start = n * 1s,
          .length = 1s,
          .planned = n,
          .started = n,
          .ok = n,
          .in_flight = n,
          .latency = stats::PackedHistogram(latency)};
}

stats::Histogram LatencyOf(const LoadPoint& point) {
  stats::Histogram latency(point.latency.layout());
  point.latency.MergeInto(latency);
  return latency;
}

TEST(LoadSeries, KeepsEachSecondWhileThereIsRoom) {
  LoadSeries series(4);
  for (int64_t n = 0; n < 4; ++n) series.Add(Second(n));
  ASSERT_EQ(series.points().size(), 4u);
  for (int64_t n = 0; n < 4; ++n) {
    EXPECT_EQ(series.points()[static_cast<size_t>(n)].start, n * 1s);
    EXPECT_EQ(series.points()[static_cast<size_t>(n)].ok, n);
  }
  EXPECT_EQ(series.seconds_per_point(), 1);
}

TEST(LoadSeries, OfALongRunHasNoMorePointsAndLosesNothing) {
  constexpr int64_t kSeconds = 1'000;
  LoadSeries series(8);
  stats::Histogram all(stats::kServerLatencyLayout);
  for (int64_t n = 0; n < kSeconds; ++n) {
    series.Add(Second(n));
    ASSERT_LE(series.points().size(), 8u);
    if (n > 0) all.Record(n, n);
  }
  EXPECT_EQ(series.seconds_per_point(), 128);
  ASSERT_EQ(series.points().size(), 8u);
  int64_t next = 0;
  stats::Histogram sum(stats::kServerLatencyLayout);
  for (const LoadPoint& point : series.points()) {
    EXPECT_EQ(point.start, next * 1s) << "no gap, no overlap";
    const int64_t end = std::min<int64_t>(next + 128, kSeconds);
    int64_t expected = 0;
    for (; next < end; ++next) expected += next;
    EXPECT_EQ(point.length, end * 1s - point.start);
    for (const int64_t count : {point.planned, point.started, point.ok, point.latency.count()}) {
      EXPECT_EQ(count, expected);
    }
    EXPECT_EQ(point.in_flight, end - 1) << "as at its end";
    sum.Merge(LatencyOf(point));
  }
  EXPECT_TRUE(std::equal(sum.buckets().begin(), sum.buckets().end(), all.buckets().begin()));
}

TEST(LoadSeries, MergedPointsAddTheirFailuresByVerdict) {
  LoadSeries series(2);
  LoadPoint first = Second(1);
  first.failures = {{Verdict::kMalformed, 1}, {Verdict::kUnconfirmed, 2}};
  LoadPoint second = Second(2);
  second.failures = {{Verdict::kShed, 3}, {Verdict::kUnconfirmed, 4}};
  series.Add(first);
  series.Add(second);
  series.Add(Second(3));
  EXPECT_THAT(series.points()[0].failures,
              ElementsAre(Pair(Verdict::kMalformed, 1), Pair(Verdict::kShed, 3),
                          Pair(Verdict::kUnconfirmed, 6)));
}

TEST(LoadSeries, ItsRestIsAPointUnlessItIsShort) {
  const auto with_rest = [](std::chrono::nanoseconds length) {
    LoadSeries series(4);
    series.Add(Second(1));
    LoadPoint rest = Second(2);
    rest.length = length;
    series.AddRest(rest);
    return series;
  };
  EXPECT_EQ(with_rest(600ms).points().size(), 2u);
  const LoadSeries merged = with_rest(400ms);
  ASSERT_EQ(merged.points().size(), 1u);
  EXPECT_EQ(merged.points()[0].length, 1'400ms);
  EXPECT_EQ(merged.points()[0].ok, 3);
  LoadSeries only;
  only.AddRest(Second(7));
  EXPECT_EQ(only.points().size(), 1u) << "a run shorter than a second";
}

TEST(LoadSeries, APointIsWhatHappenedBetweenTwoReports) {
  LoadReport before;
  before.elapsed = 3s;
  before.measured = 1s;
  before.started = 10;
  before.planned = 12;
  before.dropped = 1;
  before.ended[static_cast<size_t>(Verdict::kOk)] = 9;
  before.intended.Record(5'000, 9);
  LoadReport now = before;
  now.elapsed = 4s;
  now.measured = 2s;
  now.started += 4;
  now.planned += 7;
  now.dropped += 2;
  now.in_flight = 1;
  now.ended[static_cast<size_t>(Verdict::kOk)] += 3;
  now.ended[static_cast<size_t>(Verdict::kTimeoutStep2)] += 1;
  now.intended.Record(7'003, 3);
  const LoadPoint point = PointBetween(before, now);
  EXPECT_EQ(point.start, 3s);
  EXPECT_EQ(point.length, 1s);
  EXPECT_EQ(point.planned, 7);
  EXPECT_EQ(point.started, 4);
  EXPECT_EQ(point.dropped, 2);
  EXPECT_EQ(point.ok, 3);
  EXPECT_EQ(point.in_flight, 1);
  EXPECT_THAT(point.failures, ElementsAre(Pair(Verdict::kTimeoutStep2, 1)));
  const stats::Histogram latency = LatencyOf(point);
  EXPECT_EQ(latency.count(), 3);
  EXPECT_EQ(latency.Max(), latency.layout().HighestIn(latency.layout().IndexOf(7'003)));
}

TEST(LoadSeries, OfARunAddsUpToItsReport) {
  handshake::test::TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.duration = 1'700ms;
  spec.warmup = 100ms;
  spec.open = OpenLoop{.rate = 500};
  const std::unique_ptr<LoadRun> run = *LoadRun::Start(spec);
  ASSERT_TRUE(run->WaitFor(60s));
  const LoadReport report = run->Report();
  LoadPoint sum;
  std::chrono::nanoseconds end = spec.warmup;
  const LoadSeries series = run->Series();
  for (const LoadPoint& point : series.points()) {
    EXPECT_EQ(point.start, end) << "the warm-up has no point";
    end = point.start + point.length;
    sum.planned += point.planned;
    sum.started += point.started;
    sum.ok += point.ok;
    EXPECT_EQ(point.latency.count(), point.ok);
  }
  EXPECT_EQ(end, report.elapsed);
  EXPECT_EQ(sum.planned, report.planned);
  EXPECT_EQ(sum.started, report.started);
  EXPECT_EQ(sum.ok, report.ok());
  EXPECT_GT(sum.ok, 0);
}

TEST(LoadSeries, ASecondInWhichNothingWasBegunIsAPointToo) {
  handshake::test::TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.open = OpenLoop{.stages = {{.length = 300ms, .from = 100, .to = 100},
                                  {.length = 2'200ms, .from = 0, .to = 0}}};
  const std::unique_ptr<LoadRun> run = *LoadRun::Start(spec);
  ASSERT_TRUE(run->WaitFor(60s));
  const LoadSeries series = run->Series();
  ASSERT_GE(series.points().size(), 2u);
  EXPECT_GT(series.points().front().started, 0);
  EXPECT_EQ(series.points().back().started, 0);
  EXPECT_EQ(series.points().back().latency.count(), 0);
}

}  // namespace
}  // namespace handshake::client

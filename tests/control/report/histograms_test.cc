#include "control/report/histograms.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace handshake::report {
namespace {

using stats::Histogram;
using stats::kLoadLatencyLayout;
using stats::kServerLatencyLayout;

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

std::vector<int64_t> BucketsOf(const Histogram& histogram) {
  return {histogram.buckets().begin(), histogram.buckets().end()};
}

// Latencies such as they are: most near a millisecond, some far beyond.
void RecordSome(uint64_t seed, Histogram& into) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(7, 2);
  for (int i = 0; i < 2'000; ++i) into.Record(static_cast<int64_t>(latency(random)));
}

void ExpectSame(const Histogram& a, const Histogram& b) {
  EXPECT_TRUE(a.layout() == b.layout());
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(BucketsOf(a), BucketsOf(b));
}

// Over the wire and back.
Histogram Sent(const Histogram& histogram) {
  v1::Histogram arrived;
  EXPECT_TRUE(arrived.ParseFromString(ToProto(histogram).SerializeAsString()));
  return *FromProto(arrived);
}

TEST(Histograms, NothingIsLostOnTheWay) {
  for (const stats::HistogramLayout& layout : {kLoadLatencyLayout, kServerLatencyLayout}) {
    Histogram histogram(layout);
    ExpectSame(Sent(histogram), histogram);
    for (int64_t edge : {int64_t{0}, int64_t{1}, layout.highest(), kInt64Max}) {
      histogram.Record(edge);
    }
    RecordSome(1, histogram);
    ExpectSame(Sent(histogram), histogram);
  }
  Histogram full(kServerLatencyLayout);
  for (int i = 0; i < full.layout().bucket_count(); ++i) full.AddToBucket(i, i + 1);
  ExpectSame(Sent(full), full);
}

TEST(Histograms, TheEncodingIsHdrHistogramsWithRunsOfEmptyBuckets) {
  Histogram histogram(kServerLatencyLayout);
  histogram.Record(2, 7);
  histogram.Record(3, 1);
  histogram.Record(6, 5);
  const v1::Histogram sent = ToProto(histogram);
  EXPECT_EQ(std::vector<int64_t>(sent.counts().begin(), sent.counts().end()),
            (std::vector<int64_t>{-2, 7, 1, -2, 5}));
  EXPECT_EQ(sent.count(), 13);
  EXPECT_EQ(sent.significant_digit_count(), 2);
  EXPECT_EQ(sent.highest_us(), 3'600'000'000);
}

TEST(Histograms, AReadersDifferenceAndSumAreExact) {
  Histogram running(kLoadLatencyLayout);
  RecordSome(1, running);
  const Histogram before = Sent(running);
  Histogram between(kLoadLatencyLayout);
  RecordSome(2, between);
  running.Merge(between);
  const Histogram after = Sent(running);
  ExpectSame(after.Since(before), between);
  Histogram sum = before;
  sum.Merge(Sent(between));
  ExpectSame(sum, after);
}

v1::Histogram Message(std::vector<int64_t> counts, int64_t count) {
  v1::Histogram message;
  message.set_significant_digit_count(2);
  message.set_highest_us(1'000'000);
  message.set_count(count);
  message.mutable_counts()->Add(counts.begin(), counts.end());
  return message;
}

void ExpectRefused(const v1::Histogram& message, const std::string& why) {
  const auto histogram = FromProto(message);
  ASSERT_EQ(histogram.status().code(), absl::StatusCode::kInvalidArgument) << why;
  EXPECT_EQ(std::string(histogram.status().message()), "a histogram " + why);
}

TEST(Histograms, WhatCannotBeIsRefused) {
  ASSERT_TRUE(FromProto(Message({-3, 5, 5}, 10)).ok());
  ExpectRefused(Message({5}, 6), "says that it has 6 values, its buckets have 5");
  ExpectRefused(Message({5, 0, 5}, 10), "has a count of 0");
  ExpectRefused(Message({-100'000, 5}, 5), "skips more buckets than it has");
  ExpectRefused(Message({std::numeric_limits<int64_t>::min(), 5}, 5),
                "skips more buckets than it has");
  ExpectRefused(Message({-1'792, 5}, 5), "has more counts than buckets");
  ExpectRefused(Message({-1'000, -1'000, 5}, 5), "has more counts than buckets");
  ExpectRefused(Message({kInt64Max, 1}, 5), "has more values than can be counted");
  for (const auto& [digits, highest] :
       {std::pair<int64_t, int64_t>{0, 1'000}, {6, 1'000}, {-1, 1'000}, {2, 1}, {2, -5}}) {
    v1::Histogram message = Message({}, 0);
    message.set_significant_digit_count(digits);
    message.set_highest_us(highest);
    ExpectRefused(message, "of " + std::to_string(digits) + " digits up to " +
                               std::to_string(highest) + " us cannot be");
  }
  v1::Histogram large = Message({}, 0);
  large.set_significant_digit_count(5);
  large.set_highest_us(kInt64Max);
  ExpectRefused(large, "has too many buckets");
}

}  // namespace
}  // namespace handshake::report

#include "common/stats/packed_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace handshake::stats {
namespace {

void ExpectComesBack(const Histogram& histogram) {
  const PackedHistogram packed(histogram);
  EXPECT_EQ(packed.count(), histogram.count());
  Histogram back(packed.layout());
  packed.MergeInto(back);
  EXPECT_EQ(back.count(), histogram.count());
  EXPECT_TRUE(std::ranges::equal(back.buckets(), histogram.buckets()));
}

TEST(PackedHistogram, LosesNothing) {
  for (const HistogramLayout& layout : {kLoadLatencyLayout, kServerLatencyLayout}) {
    ExpectComesBack(Histogram(layout));
    Histogram edges(layout);
    edges.Record(0);
    edges.Record(2);  // one empty bucket between
    edges.Record(5, 300);
    edges.Record(layout.highest(), int64_t{1} << 62);  // nine bytes, the ninth a whole one
    ExpectComesBack(edges);
    std::mt19937_64 random(1);
    Histogram many(layout);
    for (int i = 0; i < 100'000; ++i) {
      many.Record(static_cast<int64_t>(random() >> (random() % 64)));
    }
    ExpectComesBack(many);
    Histogram full(layout);
    for (int i = 0; i <= layout.IndexOf(layout.highest()); ++i) {
      full.AddToBucket(i, int64_t{1} << (i % 40));
    }
    ExpectComesBack(full);
  }
}

TEST(PackedHistogram, MergesIntoWhatWasCountedAlready) {
  Histogram histogram(kServerLatencyLayout);
  histogram.Record(1'000, 3);
  Histogram into(kServerLatencyLayout);
  into.Record(1'000, 2);
  into.Record(50);
  PackedHistogram(histogram).MergeInto(into);
  EXPECT_EQ(into.count(), 6);
  EXPECT_EQ(into.buckets()[static_cast<size_t>(into.layout().IndexOf(1'000))], 5);
}

TEST(PackedHistogram, TakesAFewBytesForABucketInUse) {
  Histogram second(kServerLatencyLayout);
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(7, 0.5);
  for (int i = 0; i < 10'000; ++i) second.Record(static_cast<int64_t>(latency(random)));
  const auto used = std::ranges::count_if(second.buckets(), [](int64_t n) { return n > 0; });
  EXPECT_LE(PackedHistogram(second).bytes().size(), static_cast<size_t>(3 * used));
  EXPECT_TRUE(PackedHistogram(Histogram(kServerLatencyLayout)).bytes().empty());
}

}  // namespace
}  // namespace handshake::stats

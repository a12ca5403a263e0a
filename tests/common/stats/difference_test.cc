#include "common/stats/difference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

namespace handshake::stats {
namespace {

constexpr double kConfidence = 0.99;
constexpr size_t kRounds = 24;  // what handshakectl compare does unless told otherwise

std::vector<double> Integers(int from, int to) {
  std::vector<double> values;
  for (int i = from; i <= to; ++i) values.push_back(i);
  return values;
}

// The tables of the textbooks (Hollander and Wolfe): for 10 pairs the rank sum is at most 3 or at
// least 52 with probability 0.0098, so the interval goes from the 4th smallest of the 55 middles to
// the 4th largest. The middles of 1..10: 1, 1.5, 2, 2, ...
TEST(DifferenceTest, PairsHaveTheTablesInterval) {
  const Estimate estimate =
      PairedDifference(Integers(1, 10), std::vector<double>(10, 0.0), kConfidence);
  EXPECT_EQ(estimate.value, 5.5);
  ASSERT_TRUE(estimate.interval);
  EXPECT_EQ(estimate.interval->low, 2);
  EXPECT_EQ(estimate.interval->high, 9);
}

// Two times five: U is 0 with probability 1/252, so only the extremes are left out.
TEST(DifferenceTest, TheUnpairedHaveTheTablesInterval) {
  const Estimate estimate = UnpairedDifference(Integers(11, 15), Integers(1, 5), kConfidence);
  EXPECT_EQ(estimate.value, 10);
  ASSERT_TRUE(estimate.interval);
  EXPECT_EQ(estimate.interval->low, 6);
  EXPECT_EQ(estimate.interval->high, 14);
  // Ten and twelve: at most 21 with probability 0.0046 (tables: 21 is the critical value at 0.01).
  // The 22nd smallest of the 120 differences: 1 + 2 + ... + 6 = 21 are below the seventh value.
  const Estimate more = UnpairedDifference(Integers(101, 110), Integers(1, 12), kConfidence);
  ASSERT_TRUE(more.interval);
  EXPECT_EQ(more.interval->low, 101 - 12 + 6);
}

TEST(DifferenceTest, TooFewHaveNoInterval) {
  EXPECT_FALSE(PairedDifference(Integers(1, 7), Integers(101, 107), kConfidence).interval);
  EXPECT_TRUE(PairedDifference(Integers(1, 8), Integers(101, 108), kConfidence).interval);
  EXPECT_FALSE(UnpairedDifference(Integers(1, 4), Integers(101, 104), kConfidence).interval);
  EXPECT_TRUE(UnpairedDifference(Integers(1, 5), Integers(101, 105), kConfidence).interval);
  // A guess, and nothing that could be called real.
  const Estimate guess = PairedDifference(Integers(1, 7), Integers(101, 107), kConfidence);
  EXPECT_EQ(guess.value, -100);
  EXPECT_FALSE(IsReal(guess, 0));
}

TEST(DifferenceTest, RatiosAreOfTheFirstToTheSecond) {
  std::vector<double> base;
  std::vector<double> more;
  for (int i = 1; i <= 12; ++i) {
    base.push_back(100.0 * i);
    more.push_back(105.0 * i);
  }
  for (const Estimate& ratio :
       {PairedRatio(more, base, kConfidence), UnpairedRatio(more, base, kConfidence)}) {
    EXPECT_NEAR(ratio.value, 1.05, 1e-9);
    ASSERT_TRUE(ratio.interval);
    EXPECT_TRUE(ratio.interval->Contains(1.0499) || ratio.interval->Contains(ratio.value));
  }
  // What disturbs both of a pair alike cancels out.
  EXPECT_TRUE(IsReal(PairedRatio(more, base, kConfidence), 1));
  EXPECT_FALSE(IsReal(UnpairedRatio(more, base, kConfidence), 1));
}

TEST(DifferenceTest, EqualSeriesDoNotDiffer) {
  const std::vector<double> same(10, 3.0);
  const Estimate estimate = PairedDifference(same, same, kConfidence);
  EXPECT_EQ(estimate.value, 0);
  EXPECT_FALSE(IsReal(estimate, 0));
}

TEST(DifferenceTest, OneValueFarOffDoesNotMatter) {
  std::vector<double> a = Integers(101, 112);
  const std::vector<double> b(12, 100.0);
  const Estimate before = PairedDifference(a, b, kConfidence);
  a.back() = 1e9;
  const Estimate after = PairedDifference(a, b, kConfidence);
  EXPECT_NEAR(after.value, before.value, 1);
  EXPECT_TRUE(IsReal(after, 0));
  // Nor do two, one at each end.
  a.front() = -1e9;
  EXPECT_NEAR(PairedDifference(a, b, kConfidence).value, before.value, 1);
}

// The normal probabilities take over from the exact ones without a jump.
TEST(DifferenceTest, ManyValuesAreAsExact) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> distribution(0, 1);
  std::vector<double> a(201);
  for (double& value : a) value = distribution(random);
  const std::vector<double> zero(201, 0.0);
  const Estimate exact = PairedDifference({a.data(), 200}, {zero.data(), 200}, kConfidence);
  const Estimate normal = PairedDifference(a, zero, kConfidence);
  EXPECT_NEAR(exact.interval->low, normal.interval->low, 0.02);
  EXPECT_NEAR(exact.interval->high, normal.interval->high, 0.02);
  const Estimate two_exact = UnpairedDifference({a.data(), 60}, {&a[60], 60}, kConfidence);
  const Estimate two_normal = UnpairedDifference({a.data(), 61}, {&a[61], 60}, kConfidence);
  EXPECT_NEAR(two_exact.interval->low, two_normal.interval->low, 0.1);
  EXPECT_NEAR(two_exact.interval->high, two_normal.interval->high, 0.1);
}

// Blocks as a comparison of modes has them: each round has a disturbance of its own, and each block
// scatters; one in a hundred is far off.
struct Blocks {
  std::vector<double> a;
  std::vector<double> b;
};

Blocks MakeBlocks(std::mt19937_64& random, size_t rounds, double scatter, double slowdown) {
  std::lognormal_distribution<double> round(0, 0.1);
  std::lognormal_distribution<double> block(0, scatter);
  std::bernoulli_distribution far_off(0.01);
  Blocks blocks;
  for (size_t i = 0; i < rounds; ++i) {
    const double level = 850 * round(random);
    const auto measure = [&] { return level * block(random) * (far_off(random) ? 1.5 : 1); };
    blocks.a.push_back(slowdown * measure());
    blocks.b.push_back(measure());
  }
  return blocks;
}

int FoundOf(int comparisons, size_t rounds, double scatter, double slowdown, uint64_t seed) {
  std::mt19937_64 random(seed);
  int found = 0;
  for (int i = 0; i < comparisons; ++i) {
    const Blocks blocks = MakeBlocks(random, rounds, scatter, slowdown);
    found += IsReal(PairedRatio(blocks.a, blocks.b, kConfidence), 1);
  }
  return found;
}

// The figure of the project: 20 comparisons of a mode with itself, 20 with a planted slowdown.
TEST(DifferenceTest, TwentyComparisonsWithItselfAndTwentyOfFivePercent) {
  EXPECT_LE(FoundOf(20, kRounds, 0.03, 1.00, 2026), 2);
  EXPECT_GE(FoundOf(20, kRounds, 0.03, 1.05, 2026), 18);
}

TEST(DifferenceTest, FalseAlarmsAndFindsOfAThousand) {
  for (const size_t rounds : {size_t{8}, size_t{12}, size_t{16}, kRounds}) {
    // At most 1 %, and of 1,000 at most 1 % + 3 standard deviations of it.
    const int false_alarms = FoundOf(1'000, rounds, 0.03, 1.00, rounds);
    EXPECT_LE(false_alarms, 20) << rounds;
    std::printf("difference: %zu pairs, scatter 3 %%: %d of 1000 false alarms, %d of 1000 found\n",
                rounds, false_alarms, FoundOf(1'000, rounds, 0.03, 1.05, rounds + 1));
  }
  EXPECT_GE(FoundOf(1'000, kRounds, 0.03, 1.05, 7), 960);
}

TEST(DifferenceTest, TheIntervalHoldsTheTrueRatio) {
  std::mt19937_64 random(11);
  int paired = 0;
  int unpaired = 0;
  for (int i = 0; i < 1'000; ++i) {
    const Blocks blocks = MakeBlocks(random, 12, 0.035, 1.05);
    paired += PairedRatio(blocks.a, blocks.b, kConfidence).interval->Contains(1.05);
    unpaired += UnpairedRatio(blocks.a, blocks.b, kConfidence).interval->Contains(1.05);
  }
  EXPECT_GE(paired, 980);
  EXPECT_GE(unpaired, 980);
}

}  // namespace
}  // namespace handshake::stats

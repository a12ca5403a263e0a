#include "common/stats/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace handshake::stats {
namespace {

double MedianOf(std::vector<double> values) { return Median(values); }
double MeanOf(std::vector<double> values) { return Mean(values); }

TEST(BootstrapTest, MedianAndMean) {
  EXPECT_EQ(MedianOf({7}), 7);
  EXPECT_EQ(MedianOf({9, 1}), 5);
  EXPECT_EQ(MedianOf({9, 1, 4}), 4);
  EXPECT_EQ(MedianOf({9, 1, 4, 6}), 5);
  EXPECT_EQ(MeanOf({9, 1, 4, 6}), 5);
}

TEST(BootstrapTest, TooFewValuesHaveNoInterval) {
  EXPECT_EQ(FewestValues(0.99), 8u);
  EXPECT_EQ(FewestValues(0.95), 6u);
  const std::vector<double> values = {3, 1, 2, 5, 4, 6, 7, 8};
  const Estimate seven = Bootstrap({values.data(), 7}, Median, 0.99);
  EXPECT_EQ(seven.value, 4);
  EXPECT_FALSE(seven.interval.has_value());
  const Estimate eight = Bootstrap(values, Median, 0.99);
  EXPECT_EQ(eight.value, 4.5);
  ASSERT_TRUE(eight.interval.has_value());
  // Nothing narrower holds the median of a distribution in 99 of 100 cases.
  EXPECT_EQ(eight.interval->low, 1);
  EXPECT_EQ(eight.interval->high, 8);
}

TEST(BootstrapTest, TheSameSeedGivesTheSame) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> distribution(0, 1);
  std::vector<double> values(15);
  for (double& value : values) value = distribution(random);
  const Estimate first = Bootstrap(values, Mean, 0.99, 7);
  const Estimate again = Bootstrap(values, Mean, 0.99, 7);
  const Estimate other = Bootstrap(values, Mean, 0.99, 8);
  ASSERT_TRUE(first.interval && again.interval && other.interval);
  EXPECT_EQ(first.interval->low, again.interval->low);
  EXPECT_EQ(first.interval->high, again.interval->high);
  EXPECT_NE(first.interval->low, other.interval->low);
  EXPECT_NEAR(first.interval->low / other.interval->low, 1, 0.05);
}

TEST(BootstrapTest, EqualValuesHaveAnIntervalOfNoWidth) {
  const std::vector<double> values(10, 42.0);
  const Estimate estimate = Bootstrap(values, Median, 0.99);
  ASSERT_TRUE(estimate.interval);
  EXPECT_EQ(estimate.interval->low, 42);
  EXPECT_EQ(estimate.interval->high, 42);
}

TEST(BootstrapTest, MoreValuesMakeItNarrower) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> distribution(100, 5);
  std::vector<double> values(400);
  for (double& value : values) value = distribution(random);
  const Estimate few = Bootstrap({values.data(), 20}, Mean, 0.99);
  const Estimate many = Bootstrap(values, Mean, 0.99);
  ASSERT_TRUE(few.interval && many.interval);
  // A large sample's is the textbook's: 2 * 2.576 * 5 / sqrt(400).
  EXPECT_NEAR(many.interval->high - many.interval->low, 1.288, 0.15);
  EXPECT_LT(many.interval->high - many.interval->low,
            (few.interval->high - few.interval->low) / 2.5);
}

struct Case {
  std::string name;
  Statistic statistic;
  size_t blocks;
  double sigma;  // of the logarithm of a block
};

class Coverage : public testing::TestWithParam<Case> {};

TEST_P(Coverage, Holds) {
  const Case& c = GetParam();
  // A log-normal distribution's: 1, and exp(sigma^2 / 2).
  const double truth = c.statistic == Median ? 1 : std::exp(c.sigma * c.sigma / 2);
  std::mt19937_64 random(2026);
  std::lognormal_distribution<double> distribution(0, c.sigma);
  constexpr int kRepetitions = 500;
  int held = 0;
  std::vector<double> values(c.blocks);
  for (int i = 0; i < kRepetitions; ++i) {
    for (double& value : values) value = distribution(random);
    held +=
        Bootstrap(values, c.statistic, 0.99, static_cast<uint64_t>(i)).interval->Contains(truth);
  }
  EXPECT_GE(held, kRepetitions * 98 / 100);
  EXPECT_LT(held, kRepetitions);  // it is not just wide
  std::printf("coverage: %s of %zu blocks, %d of %d\n", c.name.c_str(), c.blocks, held,
              kRepetitions);
}

INSTANTIATE_TEST_SUITE_P(
    Bootstrap, Coverage,
    testing::Values(Case{"median", Median, 8, 0.035}, Case{"median", Median, 12, 0.3},
                    Case{"mean", Mean, 10, 0.035}, Case{"mean", Mean, 20, 0.3}),
    [](const auto& info) { return info.param.name + std::to_string(info.index); });

}  // namespace
}  // namespace handshake::stats

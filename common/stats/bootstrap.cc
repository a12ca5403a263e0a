#include "common/stats/bootstrap.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace handshake::stats {
namespace {

constexpr size_t kResamples = 10'000;

// From 0 to n - 1, evenly, for n below 2^32. std::uniform_int_distribution is several times slower,
// and may draw others with another library.
size_t Below(size_t n, std::mt19937_64& random) { return ((random() >> 32) * n) >> 32; }

// Student's t, the probability of more than `t`, by integrating its density: there is no other in
// the standard library. t from 0.
double TailOfT(double t, double degrees) {
  const double scale = std::exp(std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2)) /
                       std::sqrt(degrees * std::acos(-1.0));
  // Simpson's rule over [0, t].
  constexpr int kSteps = 400;
  const double width = t / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = i * width;
    const double weight = i == 0 || i == kSteps ? 1 : (i % 2 == 1 ? 4 : 2);
    sum += weight * std::pow(1 + x * x / degrees, -(degrees + 1) / 2);
  }
  return 0.5 - scale * sum * width / 3;
}

// The t that is exceeded with probability `tail`.
double QuantileOfT(double tail, double degrees) {
  double low = 0;
  double high = 1;
  while (TailOfT(high, degrees) > tail) high *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (TailOfT(middle, degrees) > tail ? low : high) = middle;
  }
  return high;
}

// The share of resamples to leave out at each end. A plain (1 - confidence) / 2 takes the sample's
// spread for the true one, and the normal distribution for Student's.
double ExpandedTail(double confidence, double n) {
  const double t = QuantileOfT((1 - confidence) / 2, n - 1);
  return std::erfc(t * std::sqrt(n / (n - 1)) / std::sqrt(2.0)) / 2;
}

}  // namespace

double Median(std::span<double> values) {
  assert(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return std::midpoint(*std::max_element(values.begin(), middle), *middle);
}

double Mean(std::span<double> values) {
  assert(!values.empty());
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

size_t FewestValues(double confidence) {
  assert(confidence > 0 && confidence < 1);
  // All n values lie on one side of the median with probability 2 * 2^-n.
  return static_cast<size_t>(std::ceil(1 - std::log2(1 - confidence)));
}

Estimate Bootstrap(std::span<const double> values, Statistic statistic, double confidence,
                   uint64_t seed) {
  std::vector<double> sample(values.begin(), values.end());
  Estimate estimate = {.value = statistic(sample), .interval = std::nullopt};
  if (values.size() < FewestValues(confidence)) return estimate;

  std::mt19937_64 random(seed);
  std::vector<double> resampled(kResamples);
  for (double& figure : resampled) {
    for (double& value : sample) value = values[Below(values.size(), random)];
    figure = statistic(sample);
  }
  std::sort(resampled.begin(), resampled.end());
  const double tail = ExpandedTail(confidence, static_cast<double>(values.size()));
  const auto left_out = static_cast<size_t>(tail * static_cast<double>(kResamples));
  estimate.interval = {.low = resampled[left_out], .high = resampled[kResamples - 1 - left_out]};
  return estimate;
}

}  // namespace handshake::stats

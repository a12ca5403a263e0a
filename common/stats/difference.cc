#include "common/stats/difference.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace handshake::stats {
namespace {

// Both tests count, of a set of candidates for the difference, how many are above a supposed one;
// if that is the true one, each count has a known probability, the same from both ends. So the
// interval goes from the k-th smallest candidate to the k-th largest, with the largest k for which
// the true difference is outside with a probability of at most 1 - confidence.
Estimate FromCandidates(std::vector<double> candidates, const std::vector<double>& probabilities,
                        double confidence) {
  Estimate estimate = {.value = Median(candidates), .interval = std::nullopt};
  double below = 0;  // the probability of a count of less than k
  size_t k = 0;
  while (k < candidates.size() / 2 && 2 * (below + probabilities[k]) <= 1 - confidence) {
    below += probabilities[k];
    ++k;
  }
  if (k == 0) return estimate;
  std::sort(candidates.begin(), candidates.end());
  estimate.interval = {.low = candidates[k - 1], .high = candidates[candidates.size() - k]};
  return estimate;
}

// Beyond these numbers of values the exact probabilities take long, and are normal ones.
constexpr size_t kMostExactPairs = 200;
constexpr size_t kMostExactEach = 60;

// The probabilities of the counts 0 to `highest` of a normal distribution around the middle.
std::vector<double> NormalProbabilities(size_t highest, double variance) {
  const auto up_to = [&](double count) {
    const double distance = static_cast<double>(highest) / 2 - count;
    return std::erfc(distance / std::sqrt(2 * variance)) / 2;
  };
  std::vector<double> probabilities(highest + 1);
  for (size_t i = 0; i <= highest; ++i) {
    const auto count = static_cast<double>(i);
    probabilities[i] = up_to(count + 0.5) - up_to(count - 0.5);
  }
  return probabilities;
}

// Of a sum of the ranks 1 to n, each taken or not like a tossed coin.
std::vector<double> SignedRankProbabilities(size_t n) {
  const size_t highest = n * (n + 1) / 2;
  if (n > kMostExactPairs) {
    const auto pairs = static_cast<double>(n);
    return NormalProbabilities(highest, pairs * (pairs + 1) * (2 * pairs + 1) / 24);
  }
  std::vector<double> probabilities(highest + 1);
  probabilities[0] = 1;
  for (size_t rank = 1; rank <= n; ++rank) {
    for (size_t sum = highest + 1; sum-- > 0;) {
      const double taken = sum >= rank ? probabilities[sum - rank] : 0;
      probabilities[sum] = (probabilities[sum] + taken) / 2;
    }
  }
  return probabilities;
}

// Of the number of pairs, one of n and one of m values that are in random order, in which the first
// is above.
std::vector<double> RankSumProbabilities(size_t n, size_t m) {
  const size_t highest = n * m;
  if (std::max(n, m) > kMostExactEach) {
    const auto sizes = static_cast<double>(highest);
    return NormalProbabilities(highest, sizes * static_cast<double>(n + m + 1) / 12);
  }
  // by_n[i][u]: of i values of the one beside j of the other. The largest of all is one of the
  // first with probability i / (i + j), and then above all j.
  std::vector<std::vector<double>> by_n(n + 1, std::vector<double>(highest + 1));
  for (std::vector<double>& counts : by_n) counts[0] = 1;  // j = 0
  for (size_t j = 1; j <= m; ++j) {
    for (size_t i = 1; i <= n; ++i) {
      const double first = static_cast<double>(i) / static_cast<double>(i + j);
      for (size_t count = highest + 1; count-- > 0;) {
        const double above = count >= j ? by_n[i - 1][count - j] : 0;
        by_n[i][count] = first * above + (1 - first) * by_n[i][count];
      }
    }
  }
  return by_n[n];
}

std::vector<double> Logarithms(std::span<const double> values) {
  std::vector<double> logarithms;
  logarithms.reserve(values.size());
  for (const double value : values) {
    assert(value > 0);
    logarithms.push_back(std::log(value));
  }
  return logarithms;
}

Estimate ToRatio(Estimate estimate) {
  estimate.value = std::exp(estimate.value);
  if (estimate.interval) {
    estimate.interval = {.low = std::exp(estimate.interval->low),
                         .high = std::exp(estimate.interval->high)};
  }
  return estimate;
}

}  // namespace

Estimate PairedDifference(std::span<const double> a, std::span<const double> b, double confidence) {
  assert(a.size() == b.size() && !a.empty());
  std::vector<double> differences(a.size());
  std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>());
  // Candidates: the middle of any two differences, a difference and itself too.
  std::vector<double> candidates;
  for (size_t i = 0; i < differences.size(); ++i) {
    for (size_t j = 0; j <= i; ++j) {
      candidates.push_back(std::midpoint(differences[i], differences[j]));
    }
  }
  return FromCandidates(std::move(candidates), SignedRankProbabilities(a.size()), confidence);
}

Estimate UnpairedDifference(std::span<const double> a, std::span<const double> b,
                            double confidence) {
  assert(!a.empty() && !b.empty());
  std::vector<double> candidates;
  for (const double x : a) {
    for (const double y : b) candidates.push_back(x - y);
  }
  return FromCandidates(std::move(candidates), RankSumProbabilities(a.size(), b.size()),
                        confidence);
}

Estimate PairedRatio(std::span<const double> a, std::span<const double> b, double confidence) {
  return ToRatio(PairedDifference(Logarithms(a), Logarithms(b), confidence));
}

Estimate UnpairedRatio(std::span<const double> a, std::span<const double> b, double confidence) {
  return ToRatio(UnpairedDifference(Logarithms(a), Logarithms(b), confidence));
}

bool IsReal(const Estimate& estimate, double none) {
  return estimate.interval.has_value() && !estimate.interval->Contains(none);
}

}  // namespace handshake::stats

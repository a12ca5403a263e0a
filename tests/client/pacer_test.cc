#include "client/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace handshake::client {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

std::vector<double> TimesOf(Pacer pacer) {
  std::vector<double> seconds;
  for (; const auto time = pacer.Due(); pacer.Advance()) {
    seconds.push_back(std::chrono::duration<double>(*time).count());
  }
  return seconds;
}

// What all shares of a run plan, in order.
std::vector<double> AllTimes(const RateProfile& profile, Arrivals arrivals, uint64_t seed,
                             int64_t shares) {
  std::vector<double> all;
  for (int64_t share = 0; share < shares; ++share) {
    const std::vector<double> times = TimesOf({profile, arrivals, seed, share, shares});
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
    all.insert(all.end(), times.begin(), times.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Kolmogorov-Smirnov: the largest distance between the samples, sorted, and the distribution,
// times the root of their number. Below 1.63 in 99 of 100 samples of that distribution.
double KolmogorovSmirnov(const std::vector<double>& samples,
                         const std::function<double(double)>& distribution) {
  const auto n = static_cast<double>(samples.size());
  double largest = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double expected = distribution(samples[i]);
    largest = std::max({largest, std::abs(expected - static_cast<double>(i) / n),
                        std::abs(expected - static_cast<double>(i + 1) / n)});
  }
  return largest * std::sqrt(n);
}
constexpr double kCritical = 1.63;

std::vector<double> Gaps(const std::vector<double>& times) {
  std::vector<double> gaps;
  for (size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  std::sort(gaps.begin(), gaps.end());
  return gaps;
}

TEST(PacerTest, TheSameSeedPlansTheSameTimesAndAnotherDoesNot) {
  const RateProfile profile({{.length = 1s, .from = 1'000, .to = 1'000}});
  const auto times = [&](uint64_t seed, int64_t share) {
    return TimesOf({profile, Arrivals::kPoisson, seed, share, 2});
  };
  EXPECT_EQ(times(1, 0), times(1, 0));
  EXPECT_NE(times(1, 0), times(2, 0));
  EXPECT_NE(times(1, 0), times(1, 1)) << "workers would begin at the same times";
  EXPECT_NE(times(1, 0), times((uint64_t{1} << 32) + 1, 0)) << "the seed's upper half is unused";
}

TEST(PacerTest, EvenArrivalsAreAsFarApartAsCanBeAndSharesInterlock) {
  const RateProfile profile({{.length = 1s, .from = 1'000, .to = 1'000}});
  const std::vector<double> times = AllTimes(profile, Arrivals::kEven, 0, 3);
  ASSERT_EQ(times.size(), 1'000);
  for (size_t i = 0; i < times.size(); ++i) {
    ASSERT_NEAR(times[i], static_cast<double>(i) / 1'000, 2e-9);
  }
}

// Of a Poisson process the gaps are exponential, and the times uniform; of several shares too, for
// processes that are independent add up to one.
TEST(PacerTest, PoissonArrivalsPassKolmogorovSmirnov) {
  constexpr double kRate = 5'000;
  const RateProfile profile({{.length = 20s, .from = kRate, .to = kRate}});
  for (const int64_t shares : {1, 4}) {
    const std::vector<double> times = AllTimes(profile, Arrivals::kPoisson, 7, shares);
    // 100,000 are expected, with a standard deviation of 316.
    EXPECT_NEAR(static_cast<double>(times.size()), 100'000, 3 * 316);
    EXPECT_LT(KolmogorovSmirnov(times, [](double t) { return t / 20; }), kCritical);
    EXPECT_LT(KolmogorovSmirnov(Gaps(times), [](double gap) { return 1 - std::exp(-gap * kRate); }),
              kCritical);
  }
}

TEST(PacerTest, PoissonArrivalsFollowARamp) {
  // 10 s from 0 to 10,000/s: 500 t^2 of 50,000 by time t.
  const RateProfile profile({{.length = 10s, .from = 0, .to = 10'000}});
  const std::vector<double> times = AllTimes(profile, Arrivals::kPoisson, 11, 2);
  EXPECT_NEAR(static_cast<double>(times.size()), 50'000, 3 * 224);
  EXPECT_LT(KolmogorovSmirnov(times, [](double t) { return t * t / 100; }), kCritical);
}

// 1,000/s for a second, nothing for a second, 100/s for one: even arrivals keep their distance
// across both changes, whatever had come due before the pacer heard of them.
TEST(PacerTest, AChangedProfileIsFollowedWithoutAGapOrABurst) {
  const RateProfile first({{.length = 10s, .from = 1'000, .to = 1'000}});
  const RateProfile second =
      first.ChangedAt(1s, RateProfile({{.length = 10s, .from = 0, .to = 0}}))
          .ChangedAt(2s, RateProfile({{.length = 3s, .from = 100, .to = 100}}));
  for (const int64_t heard_at : {0, 500, 1'000}) {
    Pacer pacer(first, Arrivals::kEven, 0, 0, 1);
    for (int64_t i = 0; i < heard_at; ++i) pacer.Advance();
    pacer.Follow(second);
    const std::vector<double> times = TimesOf(pacer);
    ASSERT_EQ(times.size(), static_cast<size_t>(1'100 - heard_at));
    for (size_t i = 0; i < times.size(); ++i) {
      const auto n = static_cast<double>(i) + static_cast<double>(heard_at);
      ASSERT_NEAR(times[i], n < 1'000 ? n / 1'000 : 2 + (n - 1'000) / 100, 2e-9);
    }
  }
}

// The test above would be worth nothing if it passed whatever it is given.
TEST(PacerTest, KolmogorovSmirnovTellsEvenFromPoisson) {
  const RateProfile profile({{.length = 2s, .from = 5'000, .to = 5'000}});
  const std::vector<double> times = AllTimes(profile, Arrivals::kEven, 7, 1);
  EXPECT_GT(KolmogorovSmirnov(Gaps(times), [](double gap) { return 1 - std::exp(-gap * 5'000); }),
            kCritical);
}

}  // namespace
}  // namespace handshake::client

#include "common/log/rate_limiter.h"

#include <gtest/gtest.h>

namespace handshake::log {
namespace {

using namespace std::chrono_literals;

TEST(RateLimiter, CountsWhatItSuppresses) {
  RateLimiter limiter(2, 3);
  const RateLimiter::TimePoint now = RateLimiter::TimePoint{} + 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.Allow(0, now), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.Allow(0, now + 999ms), std::nullopt);
  EXPECT_EQ(limiter.Allow(1, now), 0) << "reasons are counted apart";
  EXPECT_EQ(limiter.Allow(0, now + 1s), 5);
  EXPECT_EQ(limiter.Allow(0, now + 1s), 0);
}

}  // namespace
}  // namespace handshake::log

#include "client/rate_profile.h"

#include <gtest/gtest.h>

#include <vector>

namespace handshake::client {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

TEST(RateProfileTest, AHeldRateHasItsArrivalsEvenlyApart) {
  const RateProfile profile({{.length = 2s, .from = 100, .to = 100}});
  EXPECT_EQ(profile.length(), 2s);
  EXPECT_DOUBLE_EQ(profile.total(), 200);
  EXPECT_DOUBLE_EQ(profile.peak(), 100);
  EXPECT_EQ(profile.TimeOf(0), 0s);
  EXPECT_EQ(profile.TimeOf(50), 500ms);
  EXPECT_EQ(profile.TimeOf(199.5), 1995ms);
  EXPECT_EQ(profile.TimeOf(200), std::nullopt);
}

TEST(RateProfileTest, ARampFollowsTheIntegralOfItsRate) {
  // 10 t after t seconds, so 5 t^2 arrivals.
  const RateProfile up({{.length = 10s, .from = 0, .to = 100}});
  EXPECT_DOUBLE_EQ(up.total(), 500);
  EXPECT_EQ(up.TimeOf(0), 0s);
  EXPECT_EQ(up.TimeOf(5), 1s);
  EXPECT_EQ(up.TimeOf(125), 5s);
  EXPECT_EQ(up.TimeOf(500), std::nullopt);
  // The same backwards.
  const RateProfile down({{.length = 10s, .from = 100, .to = 0}});
  EXPECT_NEAR(Seconds(*down.TimeOf(375)), 5, 1e-6);
  EXPECT_NEAR(Seconds(*down.TimeOf(495)), 9, 1e-6);
  EXPECT_EQ(down.TimeOf(500), std::nullopt);
}

TEST(RateProfileTest, ANearlyLevelRampLosesNoDigits) {
  const RateProfile profile({{.length = 1h, .from = 5'000, .to = 5'000.0000001}});
  EXPECT_NEAR(Seconds(*profile.TimeOf(5'000 * 1'800)), 1'800, 1e-3);
}

TEST(RateProfileTest, StagesFollowEachOtherAndAPauseHasNoArrivals) {
  const RateProfile profile({{.length = 1s, .from = 10, .to = 10},
                             {.length = 5s, .from = 0, .to = 0},
                             {.length = 1s, .from = 0, .to = 20}});
  EXPECT_EQ(profile.length(), 7s);
  EXPECT_DOUBLE_EQ(profile.total(), 20);
  EXPECT_DOUBLE_EQ(profile.peak(), 20);
  EXPECT_EQ(profile.TimeOf(9), 900ms);
  EXPECT_EQ(profile.TimeOf(10), 6s);
  EXPECT_NEAR(Seconds(*profile.TimeOf(12.5)), 6.5, 1e-6);
  EXPECT_EQ(profile.TimeOf(20), std::nullopt);
}

TEST(RateProfileTest, AChangeKeepsWhatWasPlannedAndMovesTheRest) {
  const RateProfile before({{.length = 10s, .from = 0, .to = 100}});  // 5 t^2
  const RateProfile after({{.length = 4s, .from = 7, .to = 7}, {.length = 8s, .from = 5, .to = 9}});
  const RateProfile changed = before.ChangedAt(5s, after);
  EXPECT_EQ(changed.length(), 12s);
  const std::vector<RateStage> expected = {{.length = 5s, .from = 0, .to = 50},
                                           {.length = 7s, .from = 5.5, .to = 9}};
  EXPECT_EQ(changed.stages(), expected);
  EXPECT_EQ(changed.TimeOf(5), before.TimeOf(5));
  EXPECT_EQ(changed.TimeOf(125), 5s);
  EXPECT_EQ(before.ChangedAt(0s, after).stages(), after.stages());
  EXPECT_EQ(before.ChangedAt(20s, after).stages(), before.stages());
}

TEST(RateProfileTest, WithoutAStageThereIsNoArrival) {
  EXPECT_EQ(RateProfile({}).TimeOf(0), std::nullopt);
  EXPECT_EQ(RateProfile({{.length = 1s, .from = 0, .to = 0}}).TimeOf(0), std::nullopt);
}

}  // namespace
}  // namespace handshake::client

#include "client/capacity_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <vector>

namespace handshake::client {
namespace {

using ::testing::ElementsAre;
using Server = std::function<TrialOutcome(const Trial&)>;

TrialOutcome PassedIf(bool passed) {
  return passed ? TrialOutcome::kPassed : TrialOutcome::kFailed;
}

// One that satisfies up to `capacity`.
Server UpTo(int64_t capacity) {
  return [capacity](const Trial& trial) { return PassedIf(trial.load <= capacity); };
}

struct Searched {
  CapacitySearch search;
  std::vector<int64_t> loads;
};

Searched Search(const SearchBounds& bounds, const Server& server) {
  Searched searched{CapacitySearch(bounds), {}};
  while (const std::optional<Trial> trial = searched.search.Next()) {
    EXPECT_GE(trial->load, 1);
    EXPECT_LE(trial->load, bounds.to);
    searched.loads.push_back(trial->load);
    searched.search.Tell(server(*trial));
  }
  EXPECT_LE(searched.search.trials(), bounds.most_trials);
  return searched;
}

TEST(CapacitySearchTest, DoublesBisectsAndProves) {
  const Searched searched = Search({.from = 100, .to = 10'000, .precision = 0.1}, UpTo(450));
  EXPECT_THAT(searched.loads, ElementsAre(100, 200, 400, 800, 600, 500, 450, 475, 450));
  EXPECT_EQ(searched.search.end(), SearchEnd::kFound);
  EXPECT_EQ(searched.search.proven(), 450);
  EXPECT_EQ(searched.search.lowest_failed(), 475);
}

TEST(CapacitySearchTest, TheIntervalHoldsTheCapacityAndIsAsNarrowAsAsked) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    const auto capacity =
        static_cast<int64_t>(std::exp2(std::uniform_real_distribution(0., 19.9)(random)));
    const SearchBounds bounds{.from = std::uniform_int_distribution<int64_t>(1, 5'000)(random),
                              .precision = std::uniform_real_distribution(0.01, 0.5)(random)};
    const Searched searched = Search(bounds, UpTo(capacity));
    ASSERT_EQ(searched.search.end(), SearchEnd::kFound) << capacity;
    const int64_t low = *searched.search.proven();
    const int64_t high = *searched.search.lowest_failed();
    EXPECT_LE(low, capacity);
    EXPECT_GT(high, capacity);
    EXPECT_LE(static_cast<double>(high - low),
              std::max(1.0, bounds.precision * static_cast<double>(low)));
  }
}

TEST(CapacitySearchTest, AServerThatSatisfiesAllIsOnlyBounded) {
  const Searched searched = Search({.from = 100, .to = 1'000}, UpTo(1'000'000));
  EXPECT_THAT(searched.loads, ElementsAre(100, 200, 400, 800, 1'000, 1'000));
  EXPECT_EQ(searched.search.end(), SearchEnd::kLimitReached);
  EXPECT_EQ(searched.search.proven(), 1'000);
  EXPECT_EQ(searched.search.lowest_failed(), std::nullopt);
}

TEST(CapacitySearchTest, OneThatSatisfiesNothingIsAskedForLessAndLess) {
  const Searched searched = Search({.from = 100}, UpTo(0));
  EXPECT_THAT(searched.loads, ElementsAre(100, 50, 25, 12, 6, 3, 1));
  EXPECT_EQ(searched.search.end(), SearchEnd::kNothingPassed);
  EXPECT_EQ(searched.search.proven(), std::nullopt);
}

TEST(CapacitySearchTest, ACapacityBelowTheFirstLoadIsFound) {
  const Searched searched = Search({.from = 1'000, .precision = 0.1}, UpTo(70));
  EXPECT_GE(*searched.search.proven(), 64);
  EXPECT_LE(*searched.search.proven(), 70);
}

// A queue that fills slowly: 1,000 pass for a moment, 900 hold.
TEST(CapacitySearchTest, AProofThatFailsDemotes) {
  const Server server = [](const Trial& trial) {
    return PassedIf(trial.load <= (trial.stage == SearchStage::kProve ? 900 : 1'000));
  };
  const Searched searched = Search({.from = 100, .precision = 0.05}, server);
  EXPECT_EQ(searched.search.end(), SearchEnd::kFound);
  EXPECT_LE(*searched.search.proven(), 900);
  EXPECT_GE(*searched.search.proven(), 800);
  EXPECT_GT(*searched.search.lowest_failed(), 900);
  EXPECT_LE(*searched.search.lowest_failed(), 1'000);
  EXPECT_EQ(searched.search.highest_passed(), searched.search.proven());
}

TEST(CapacitySearchTest, OneThatPassesButNeverForLongIsFoundOut) {
  const Server server = [](const Trial& trial) {
    return PassedIf(trial.stage != SearchStage::kProve && trial.load <= 1'000);
  };
  const Searched searched = Search({.from = 100}, server);
  EXPECT_EQ(searched.search.end(), SearchEnd::kNothingPassed);
  EXPECT_EQ(searched.search.proven(), std::nullopt);
  EXPECT_EQ(searched.search.highest_passed(), std::nullopt);
}

// A tenth of all trials fail for no reason, and above the capacity as many pass.
TEST(CapacitySearchTest, ANoisyServerEndsTheSearchToo) {
  std::mt19937_64 random(1);
  int near = 0;
  for (int i = 0; i < 200; ++i) {
    const Server server = [&random](const Trial& trial) {
      const bool noise = std::bernoulli_distribution(0.1)(random);
      return PassedIf((trial.load <= 5'000) != noise);
    };
    const Searched searched = Search({.from = 100}, server);
    if (!searched.search.proven()) continue;
    if (searched.search.lowest_failed()) {
      EXPECT_GT(*searched.search.lowest_failed(), *searched.search.proven());
    }
    near += *searched.search.proven() >= 2'000 && *searched.search.proven() <= 5'500 ? 1 : 0;
  }
  EXPECT_GE(near, 80);
}

TEST(CapacitySearchTest, WhereTheGeneratorIsTheLimitThatIsTheEnd) {
  const Server server = [](const Trial& trial) {
    return trial.load <= 3'000 ? TrialOutcome::kPassed : TrialOutcome::kGeneratorLimited;
  };
  const Searched searched = Search({.from = 100}, server);
  EXPECT_EQ(searched.search.end(), SearchEnd::kGeneratorLimited);
  EXPECT_LE(*searched.search.proven(), 3'000);
  EXPECT_GT(*searched.search.lowest_failed(), 3'000);
}

// The doubling went beyond what the generator can, the server gives in before that.
TEST(CapacitySearchTest, AServerThatFailsBelowTheGeneratorsLimitIsFound) {
  const Server server = [](const Trial& trial) {
    if (trial.load > 5'000) return TrialOutcome::kGeneratorLimited;
    return PassedIf(trial.load <= 4'200);
  };
  const Searched searched = Search({.from = 100}, server);
  EXPECT_EQ(searched.search.end(), SearchEnd::kFound);
  EXPECT_LE(*searched.search.proven(), 4'200);
  EXPECT_LE(*searched.search.lowest_failed(), 5'000);
}

TEST(CapacitySearchTest, AGeneratorThatCanNothingIsTheLimit) {
  const Searched searched =
      Search({.from = 4}, [](const Trial&) { return TrialOutcome::kGeneratorLimited; });
  EXPECT_THAT(searched.loads, ElementsAre(4, 2, 1));
  EXPECT_EQ(searched.search.end(), SearchEnd::kGeneratorLimited);
}

TEST(CapacitySearchTest, TrialsAreCounted) {
  const Searched searched = Search({.from = 1, .most_trials = 5}, UpTo(1'000));
  EXPECT_THAT(searched.loads, ElementsAre(1, 2, 4, 8, 16));
  EXPECT_EQ(searched.search.end(), SearchEnd::kUndecided);
  EXPECT_EQ(searched.search.proven(), std::nullopt);
  EXPECT_EQ(searched.search.highest_passed(), 16);
}

}  // namespace
}  // namespace handshake::client

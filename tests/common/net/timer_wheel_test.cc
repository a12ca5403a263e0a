#include "common/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace handshake::net {
namespace {

using namespace std::chrono_literals;
using TimePoint = TimerWheel::TimePoint;
using Duration = TimePoint::duration;

const TimePoint kStart = TimePoint(1234567890123ns);
constexpr Duration kTurn = 16'384ms;

std::set<uint32_t> TakeAll(TimerWheel& wheel, TimePoint now) {
  std::set<uint32_t> taken;
  while (const std::optional<uint32_t> item = wheel.TakeDue(now)) {
    EXPECT_TRUE(taken.insert(*item).second) << *item << " was due twice";
    EXPECT_FALSE(wheel.armed(*item));
  }
  return taken;
}

using Items = std::set<uint32_t>;

TEST(TimerWheelTest, AnItemIsDueAtItsDeadlineAndOnce) {
  TimerWheel wheel(kStart);
  wheel.Arm(3, kStart + 10ms);
  EXPECT_TRUE(wheel.armed(3));
  EXPECT_EQ(TakeAll(wheel, kStart + 10ms - 1ns), Items());
  EXPECT_EQ(TakeAll(wheel, kStart + 10ms), Items{3});
  EXPECT_EQ(TakeAll(wheel, kStart + 1h), Items());
}

TEST(TimerWheelTest, ADeadlineBetweenGrainsIsNeverEarly) {
  TimerWheel wheel(kStart);
  wheel.Arm(0, kStart + 10ms + 1ns);
  EXPECT_EQ(TakeAll(wheel, kStart + 10ms + 1ns), Items());
  EXPECT_EQ(TakeAll(wheel, kStart + 11ms), Items{0});
}

TEST(TimerWheelTest, ADeadlineInThePastIsDueAtOnce) {
  TimerWheel wheel(kStart);
  wheel.Arm(0, kStart - 1h);
  EXPECT_EQ(TakeAll(wheel, kStart), Items{0});
  EXPECT_EQ(TakeAll(wheel, kStart + 5s), Items());
  wheel.Arm(1, kStart);
  EXPECT_EQ(TakeAll(wheel, kStart + 5s), Items{1});
}

TEST(TimerWheelTest, ItemsOfOneTickAreAllDue) {
  TimerWheel wheel(kStart);
  for (uint32_t item : {0, 1, 2, 3}) wheel.Arm(item, kStart + 5ms);
  wheel.Cancel(1);
  EXPECT_EQ(TakeAll(wheel, kStart + 5ms), (Items{0, 2, 3}));
}

TEST(TimerWheelTest, ArmingAgainReplacesTheDeadline) {
  TimerWheel wheel(kStart);
  wheel.Arm(0, kStart + 5ms);
  wheel.Arm(0, kStart + 50ms);
  EXPECT_EQ(TakeAll(wheel, kStart + 49ms), Items());
  wheel.Arm(0, kStart + 49ms);
  EXPECT_EQ(TakeAll(wheel, kStart + 49ms), Items{0});
}

TEST(TimerWheelTest, ArmNoLaterOnlyMovesADeadlineNearer) {
  TimerWheel wheel(kStart);
  wheel.ArmNoLater(0, kStart + 50ms);
  wheel.ArmNoLater(0, kStart + 90ms);
  EXPECT_EQ(TakeAll(wheel, kStart + 50ms), Items{0});
  wheel.ArmNoLater(0, kStart + 90ms);
  wheel.ArmNoLater(0, kStart + 60ms);
  EXPECT_EQ(TakeAll(wheel, kStart + 60ms), Items{0});
}

TEST(TimerWheelTest, GivesBackWhatAPeakNeeded) {
  constexpr uint32_t kPeak = 50'000;
  TimerWheel wheel(kStart);
  for (uint32_t item = 0; item < kPeak; ++item) wheel.Arm(item, kStart + item * 1us);
  const size_t mapped = wheel.mapped_bytes();
  EXPECT_LE(mapped / kPeak, 16u);
  for (uint32_t item = kPeak / 2; item < kPeak; ++item) wheel.Cancel(item);
  EXPECT_EQ(TakeAll(wheel, kStart + 1s).size(), kPeak / 2);
  EXPECT_LT(wheel.mapped_bytes(), mapped / 20);
  EXPECT_FALSE(wheel.armed(kPeak - 1)) << "an item without memory is armed";
  wheel.Arm(kPeak - 1, kStart + 2s);
  EXPECT_EQ(TakeAll(wheel, kStart + 2s), Items{kPeak - 1});
}

TEST(TimerWheelTest, WhatBelongsToALaterTurnWaits) {
  TimerWheel wheel(kStart);
  wheel.Arm(0, kStart + 5ms);
  wheel.Arm(1, kStart + 5ms + kTurn);
  wheel.Arm(2, kStart + 5ms + 3 * kTurn);
  EXPECT_EQ(TakeAll(wheel, kStart + 5ms), Items{0});
  EXPECT_EQ(TakeAll(wheel, kStart + 4ms + kTurn), Items());
  EXPECT_EQ(TakeAll(wheel, kStart + 5ms + kTurn), Items{1});
  EXPECT_EQ(TakeAll(wheel, kStart + 4ms + 3 * kTurn), Items());
  EXPECT_EQ(TakeAll(wheel, kStart + 5ms + 3 * kTurn), Items{2});
}

TEST(TimerWheelTest, AGapOfManyTurnsMissesNothing) {
  TimerWheel wheel(kStart);
  for (uint32_t item = 0; item < 1'000; ++item) wheel.Arm(item, kStart + item * 97ms);
  EXPECT_EQ(TakeAll(wheel, kStart + 1h).size(), 1'000u);
}

TEST(TimerWheelTest, AnEmptyWheelFollowsTheTime) {
  TimerWheel wheel(kStart);
  EXPECT_EQ(wheel.NextDue(), std::nullopt);
  EXPECT_EQ(TakeAll(wheel, kStart + 10h), Items());
  wheel.Arm(0, kStart + 10h + 5ms);
  EXPECT_LE(*wheel.NextDue(), kStart + 10h + 6ms);
  EXPECT_EQ(TakeAll(wheel, kStart + 10h + 5ms), Items{0});
}

// The same by definition: an item is due once `now` has reached its deadline.
class Model {
 public:
  void Arm(uint32_t item, TimePoint deadline) { deadlines_[item] = deadline; }
  void Cancel(uint32_t item) { deadlines_.erase(item); }
  bool armed(uint32_t item) const { return deadlines_.contains(item); }
  std::optional<TimePoint> First() const {
    std::optional<TimePoint> first;
    for (const auto& [item, deadline] : deadlines_) {
      if (!first || deadline < *first) first = deadline;
    }
    return first;
  }
  // Those past `now` by a grain and more must be due, those at or after `now` must not.
  void ExpectTaken(const Items& taken, TimePoint now) {
    for (const uint32_t item : taken) {
      ASSERT_TRUE(armed(item)) << item;
      EXPECT_LE(deadlines_[item], now) << item << " is early";
      deadlines_.erase(item);
    }
    for (const auto& [item, deadline] : deadlines_) {
      EXPECT_GT(deadline, now - 1ms) << item << " is late";
    }
  }

 private:
  std::map<uint32_t, TimePoint> deadlines_;
};

Duration RandomAhead(std::mt19937_64& random) {
  const auto upto = [&](Duration most) {
    return Duration(std::uniform_int_distribution<int64_t>(0, most.count())(random));
  };
  switch (std::uniform_int_distribution(0, 9)(random)) {
    case 0:
      return -upto(2s);
    case 1:
      return upto(1'500us);
    case 2:
      return upto(5 * kTurn);
    case 3:
      return kTurn + upto(2ms) - 1ms;
    case 4:
      return std::chrono::milliseconds(std::uniform_int_distribution(0, 20)(random));
    default:
      return upto(10s);
  }
}

Duration RandomStep(std::mt19937_64& random) {
  const int kind = std::uniform_int_distribution(0, 99)(random);
  const Duration most = kind < 70 ? Duration(3ms) : kind < 97 ? Duration(2s) : Duration(3 * kTurn);
  return Duration(std::uniform_int_distribution<int64_t>(0, most.count())(random));
}

class RandomOperations : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomOperations, AgreeWithTheModel) {
  std::mt19937_64 random(GetParam());
  std::uniform_int_distribution<uint32_t> any_item(0, 199);
  TimePoint now = kStart;
  TimerWheel wheel(now);
  Model model;
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) {
    const uint32_t item = any_item(random);
    switch (std::uniform_int_distribution(0, 4)(random)) {
      case 0:
      case 1: {
        const TimePoint deadline = now + RandomAhead(random);
        wheel.Arm(item, deadline);
        model.Arm(item, deadline);
        break;
      }
      case 2:
        wheel.Cancel(item);
        model.Cancel(item);
        break;
      default:
        now += RandomStep(random);
        model.ExpectTaken(TakeAll(wheel, now), now);
    }
    ASSERT_EQ(wheel.armed(item), model.armed(item));
    const std::optional<TimePoint> next = wheel.NextDue();
    const std::optional<TimePoint> first = model.First();
    ASSERT_EQ(next.has_value(), first.has_value());
    if (!next) continue;
    // A deadline that passed already is due now, whatever it was.
    ASSERT_LE(*next, std::max(*first, now) + 1ms) << "after " << i;
  }
}

// A driver that sleeps until NextDue() serves every deadline within a grain, and does not spin.
TEST_P(RandomOperations, WakingAtNextDueIsEnough) {
  std::mt19937_64 random(GetParam());
  TimePoint now = kStart;
  TimerWheel wheel(now);
  std::map<uint32_t, TimePoint> deadlines;
  for (uint32_t item = 0; item < 300; ++item) {
    deadlines[item] = now + RandomAhead(random);
    wheel.Arm(item, deadlines[item]);
  }
  int wakes = 0;
  while (const std::optional<TimePoint> next = wheel.NextDue()) {
    ASSERT_LT(++wakes, 700);
    now = std::max(now, *next);
    for (const uint32_t item : TakeAll(wheel, now)) {
      EXPECT_LE(deadlines[item], now);
      EXPECT_LE(now, std::max(deadlines[item], kStart) + 1ms) << item;
      deadlines.erase(item);
    }
  }
  EXPECT_TRUE(deadlines.empty());
}

INSTANTIATE_TEST_SUITE_P(TimerWheelTest, RandomOperations, ::testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace handshake::net

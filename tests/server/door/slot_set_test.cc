#include "server/door/slot_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace handshake::server {
namespace {

TEST(SlotSetTest, GivesOutTheLowestFreeNumber) {
  SlotSet set;
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(set.Take(), i);
  for (const uint32_t number : {9'999u, 4'160u, 64u, 63u}) set.Return(number);
  EXPECT_EQ(set.size(), 9'996u);
  for (const uint32_t number : {63u, 64u, 4'160u, 9'999u, 10'000u}) EXPECT_EQ(set.Take(), number);
}

TEST(SlotSetTest, NextFromGoesAround) {
  SlotSet set;
  for (uint32_t i = 0; i < 200; ++i) set.Take();
  for (uint32_t i = 0; i < 200; ++i) {
    if (i != 5 && i != 70) set.Return(i);
  }
  EXPECT_EQ(set.NextFrom(0), 5u);
  EXPECT_EQ(set.NextFrom(5), 5u);
  EXPECT_EQ(set.NextFrom(6), 70u);
  EXPECT_EQ(set.NextFrom(71), 5u);
  EXPECT_EQ(set.NextFrom(1'000'000), 5u);
}

TEST(SlotSetTest, AgreesWithASet) {
  std::mt19937_64 random(1);
  SlotSet set;
  std::set<uint32_t> taken;
  for (int i = 0; i < 20'000; ++i) {
    // Grows in some stretches, shrinks in others.
    const bool grows = random() % 100 < ((i / 4'000) % 2 == 0 ? 60 : 40);
    if (grows || taken.empty()) {
      uint32_t lowest = 0;
      while (taken.contains(lowest)) ++lowest;
      ASSERT_EQ(set.Take(), lowest);
      taken.insert(lowest);
    } else {
      const auto number = static_cast<uint32_t>(random() % 1'200);
      auto next = taken.lower_bound(number);
      if (next == taken.end()) next = taken.begin();
      ASSERT_EQ(set.NextFrom(number), *next);
      set.Return(*next);
      ASSERT_FALSE(set.Contains(*next));
      taken.erase(next);
    }
    ASSERT_EQ(set.size(), taken.size());
  }
}

}  // namespace
}  // namespace handshake::server

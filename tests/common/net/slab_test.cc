#include "common/net/slab.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace handshake::net {
namespace {

constexpr uint32_t kPeak = 100'000;
constexpr size_t kItemBytes = 144;

void Write(void* item, uint32_t value) { std::memcpy(item, &value, sizeof(value)); }

uint32_t Read(const void* item) {
  uint32_t value;
  std::memcpy(&value, item, sizeof(value));
  return value;
}

TEST(SlabTest, ItemsAreApartAndStayWhereTheyAre) {
  Slab slab(kItemBytes);
  void* const first = slab.Acquire(0);
  Write(first, 0);
  for (uint32_t i = 1; i < kPeak; ++i) Write(slab.Acquire(i), i);
  EXPECT_EQ(slab.at(0), first);
  for (uint32_t i = 0; i < kPeak; ++i) ASSERT_EQ(Read(slab.at(i)), i);
}

TEST(SlabTest, ItemsAreAlignedAsForOperatorNew) {
  Slab slab(17);
  EXPECT_EQ(slab.item_bytes(), 32u);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(slab.Acquire(i)) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0u);
  }
}

TEST(SlabTest, HoldsOnlyWhatWasAskedFor) {
  Slab slab(kItemBytes);
  EXPECT_FALSE(slab.Holds(0));
  EXPECT_EQ(slab.mapped_bytes(), 0u);
  slab.Acquire(kPeak);
  EXPECT_TRUE(slab.Holds(kPeak));
  EXPECT_FALSE(slab.Holds(0));
  EXPECT_FALSE(slab.Holds(2 * kPeak));
}

TEST(SlabTest, GivesBackWhatAPeakNeeded) {
  Slab slab(kItemBytes);
  slab.Acquire(0);
  const size_t one_chunk = slab.mapped_bytes();
  for (uint32_t i = 1; i < kPeak; ++i) slab.Acquire(i);
  EXPECT_GE(slab.mapped_bytes(), kPeak * kItemBytes);
  for (uint32_t i = 1; i < kPeak; ++i) slab.Release(i);
  EXPECT_LE(slab.mapped_bytes(), 3 * one_chunk);
  slab.Release(0);
  EXPECT_EQ(slab.mapped_bytes(), one_chunk);
  EXPECT_TRUE(slab.Holds(0)) << "the lowest is needed next";
}

TEST(SlabTest, AChunkInTheMiddleGoesBackAndComesAgain) {
  Slab slab(kItemBytes);
  for (uint32_t i = 0; i < kPeak; ++i) Write(slab.Acquire(i), i);
  const uint32_t last = kPeak - 1;
  for (uint32_t i = 1; i < last; ++i) slab.Release(i);
  EXPECT_FALSE(slab.Holds(kPeak / 2));
  EXPECT_EQ(Read(slab.at(0)), 0u);
  EXPECT_EQ(Read(slab.at(last)), last);
  EXPECT_EQ(Read(slab.Acquire(kPeak / 2)), 0u) << "not fresh";
}

// A load that comes and goes maps once.
TEST(SlabTest, KeepsWhatASteadyLoadNeeds) {
  constexpr uint32_t kMost = 5'000;
  constexpr uint32_t kFewest = 2'500;
  Slab slab(kItemBytes);
  for (uint32_t i = 0; i < kMost; ++i) slab.Acquire(i);
  const size_t mapped = slab.mapped_bytes();
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = kMost; i > kFewest; --i) {
      slab.Release(i - 1);
      ASSERT_EQ(slab.mapped_bytes(), mapped);
    }
    for (uint32_t i = kFewest; i < kMost; ++i) slab.Acquire(i);
  }
}

}  // namespace
}  // namespace handshake::net

#include "server/door/connection_table.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "common/wire/server_handshake.h"

namespace handshake::server {
namespace {

struct Note {
  uint32_t number = 0;
};
using Table = ConnectionTable<Note>;

const wire::HandshakeProtocol& AnyProtocol() {
  static const wire::HandshakeProtocol protocol{wire::HandshakeOptions{}};
  return protocol;
}

// Without a socket; the time of its first byte tells one from another.
Connection Numbered(uint32_t number) {
  return {.session = wire::Session(AnyProtocol(), wire::Clock::now()),
          .fd = net::UniqueFd(),
          .first_byte_us = number};
}

TEST(ConnectionTableTest, KeepsEachConnectionAndItsNoteWhereTheyAre) {
  constexpr uint32_t kCount = 20'000;
  Table table;
  std::vector<Table::Entry*> entries;
  for (uint32_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(table.Add(Numbered(i), {i}), i);
    entries.push_back(&table.at(i));
  }
  for (uint32_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(&table.at(i), entries[i]);
    ASSERT_EQ(table.at(i).note.number, i);
    ASSERT_EQ(table.Remove(i).first_byte_us, i);
  }
  EXPECT_TRUE(table.empty());
}

TEST(ConnectionTableTest, ATagIsOfOneUseOnly) {
  Table table;
  std::set<uint64_t> tags;
  for (uint32_t i = 0; i < 100; ++i) {
    const uint32_t slot = table.Add(Numbered(i), {i});
    const uint64_t tag = table.TagOf(slot);
    EXPECT_EQ(table.Find(tag), slot);
    EXPECT_TRUE(tags.insert(tag).second);
    table.Remove(slot);
    EXPECT_EQ(table.Find(tag), std::nullopt);
  }
}

// The memory that a use was noted in may have gone and come again.
TEST(ConnectionTableTest, ATagOutlivesTheMemoryOfItsSlot) {
  constexpr uint32_t kPeak = 10'000;
  Table table;
  std::set<uint64_t> tags;
  for (int peak = 0; peak < 3; ++peak) {
    for (uint32_t i = 0; i < kPeak; ++i) {
      ASSERT_TRUE(tags.insert(table.TagOf(table.Add(Numbered(i), {i}))).second);
    }
    const size_t mapped = table.mapped_bytes();
    for (uint32_t i = 0; i < kPeak; ++i) table.Remove(i);
    ASSERT_LT(table.mapped_bytes(), mapped / 5);
    for (const uint64_t tag : tags) ASSERT_EQ(table.Find(tag), std::nullopt);
  }
}

TEST(ConnectionTableTest, TheLowestFreeSlotIsUsedFirst) {
  constexpr uint32_t kPeak = 10'000;
  Table table;
  for (uint32_t i = 0; i < kPeak; ++i) table.Add(Numbered(i), {i});
  for (uint32_t i = 0; i < kPeak; i += 2) table.Remove(i);
  for (uint32_t i = 0; i < kPeak; i += 2) ASSERT_EQ(table.Add(Numbered(i), {i}), i);
}

// What one connection costs in a table: the record and little beside it.
TEST(ConnectionTableTest, AnEntryIsSmall) {
  constexpr uint32_t kCount = 64 * 1'024;
  Table table;
  for (uint32_t i = 0; i < kCount; ++i) table.Add(Numbered(i), {i});
  EXPECT_LE(table.mapped_bytes() / kCount, 144u);
}

}  // namespace
}  // namespace handshake::server

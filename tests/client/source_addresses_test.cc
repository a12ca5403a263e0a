#include "client/source_addresses.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace handshake::client {
namespace {

net::Address Parse(const char* text) { return *net::Address::Parse(text); }

TEST(SourceAddressesTest, AreDistinctLoopbackAddressesWithoutPort) {
  const SourceAddresses sources(Parse("127.0.0.1:7000"), 1, 1'000);
  std::set<std::string> seen;
  for (int64_t ticket = 0; ticket < sources.count(); ++ticket) {
    const net::Address& source = *sources.For(ticket);
    EXPECT_TRUE(source.IsLoopback()) << source.ToString();
    EXPECT_EQ(source.port(), 0);
    seen.insert(source.ToString());
  }
  EXPECT_EQ(seen.size(), 1'000u);
  EXPECT_TRUE(seen.contains("127.1.0.1:0"));
  EXPECT_FALSE(seen.contains("127.1.0.0:0"));
}

TEST(SourceAddressesTest, TakeTurns) {
  const SourceAddresses sources(Parse("127.0.0.1:7000"), 1, 3);
  EXPECT_EQ(sources.For(0), sources.For(3));
  EXPECT_NE(sources.For(0), sources.For(1));
  EXPECT_NE(sources.For(1), sources.For(2));
}

TEST(SourceAddressesTest, GrowWithConcurrencySoThatPortsLast) {
  const net::Address target = Parse("127.0.0.1:7000");
  EXPECT_GE(SourceAddresses(target, 1, 0).count(), 8);
  const SourceAddresses many(target, 1'000'000, 0);
  EXPECT_LE(1'000'000 / many.count(), 14'000);
}

TEST(SourceAddressesTest, OtherTargetsGetTheKernelsChoice) {
  EXPECT_EQ(SourceAddresses(Parse("192.0.2.1:7000"), 100, 8).For(0), nullptr);
  EXPECT_EQ(SourceAddresses(Parse("[::1]:7000"), 100, 8).For(5), nullptr);
}

}  // namespace
}  // namespace handshake::client

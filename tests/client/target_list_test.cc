#include "client/target_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/lookup.h"

namespace handshake::client {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

StatusCode Checked(const TargetList& targets, const std::string& target) {
  return targets.Check(*net::Address::Parse(target)).code();
}

TargetList Allowing(const std::vector<std::string>& ranges) {
  TargetList targets;
  for (const std::string& range : ranges) EXPECT_TRUE(targets.Allow(range).ok()) << range;
  return targets;
}

TEST(TargetListTest, WithoutMoreOnlyLoopbackIsAllowed) {
  const TargetList targets;
  for (const char* target : {"127.0.0.1:7000", "127.255.255.254:1", "[::1]:65535"}) {
    EXPECT_EQ(Checked(targets, target), StatusCode::kOk) << target;
  }
  for (const char* target : {"192.0.2.1:7000", "128.0.0.1:1", "[2001:db8::1]:1", "10.0.0.1:1"}) {
    EXPECT_EQ(Checked(targets, target), StatusCode::kPermissionDenied) << target;
  }
  EXPECT_EQ(Checked(targets, "127.0.0.1:0"), StatusCode::kInvalidArgument);
}

TEST(TargetListTest, ARangeAllowsItsAddressesAtItsPorts) {
  const TargetList targets =
      Allowing({"10.0.0.0/8:7000", "[2001:db8::/32]:7000-7010", "192.0.2.1:*", "[2001:db9::1]:5"});
  for (const char* target : {"10.9.9.9:7000", "[2001:db8:1::1]:7000", "[2001:db8::]:7010",
                             "192.0.2.1:1", "192.0.2.1:65535", "[2001:db9::1]:5", "127.0.0.1:1"}) {
    EXPECT_EQ(Checked(targets, target), StatusCode::kOk) << target;
  }
  for (const char* target : {"10.9.9.9:7001", "11.0.0.0:7000", "[2001:db8::1]:6999",
                             "[2001:db8::1]:7011", "192.0.2.2:1", "[2001:db9::2]:5"}) {
    EXPECT_EQ(Checked(targets, target), StatusCode::kPermissionDenied) << target;
  }
  EXPECT_THAT(std::string(targets.Check(*net::Address::Parse("192.0.2.2:1")).message()),
              HasSubstr("127.0.0.0/8, [::1], 10.0.0.0/8:7000, [2001:db8::/32]:7000-7010"));
}

TEST(TargetListTest, SomeAreForbiddenWhateverIsAllowed) {
  const TargetList all = Allowing({"0.0.0.0/0:*", "[::/0]:*"});
  EXPECT_EQ(Checked(all, "192.0.2.1:7000"), StatusCode::kOk);
  EXPECT_EQ(Checked(all, "[2001:db8::1]:7000"), StatusCode::kOk);
  for (const char* host : {"0.0.0.0",
                           "0.1.2.3",
                           "169.254.0.1",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "[::]",
                           "[::2]",
                           "[::7f00:1]",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:a00:1]",
                           "[::ffff:0:a00:1]",
                           "[64:ff9b::a00:1]",
                           "[64:ff9b:1::1]",
                           "[100::1]",
                           "[2001::1]",
                           "[2002:a00:1::1]",
                           "[fe80::1]",
                           "[febf::1]",
                           "[fec0::1]",
                           "[ff02::1]"}) {
    EXPECT_EQ(Checked(all, std::string(host) + ":7000"), StatusCode::kPermissionDenied) << host;
  }
}

TEST(TargetListTest, AServersOwnAddressesAreAllowedAtItsPort) {
  TargetList targets;
  targets.AllowListener(*net::Address::Parse("192.0.2.7:7000"));
  targets.AllowListener(*net::Address::Parse("0.0.0.0:7001"));  // at least nothing else
  EXPECT_EQ(Checked(targets, "192.0.2.7:7000"), StatusCode::kOk);
  EXPECT_EQ(Checked(targets, "192.0.2.7:7001"), StatusCode::kPermissionDenied);
  EXPECT_EQ(Checked(targets, "198.51.100.9:7001"), StatusCode::kPermissionDenied);
  EXPECT_EQ(Checked(targets, "0.0.0.0:7001"), StatusCode::kPermissionDenied);
}

TEST(TargetListTest, ABadRangeIsRefused) {
  for (const char* range :
       {"", "10.0.0.0/8", "10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:7-5",
        "10.0.0.0/8:x", "10.0.0.1/8:1", "10/8:1", "*:1", "2001:db8::/32:1", "[2001:db8::]/32:1",
        "[10.0.0.0/8]:1", "[::1:1", "example.org:1"}) {
    TargetList targets;
    EXPECT_EQ(targets.Allow(range).code(), StatusCode::kInvalidArgument) << range;
  }
}

TEST(TargetListTest, ANameIsLookedUpAndJudgedByItsAddresses) {
  const TargetList targets;
  const auto local = targets.Resolve("LOCALHOST:7000");
  ASSERT_TRUE(local.ok()) << local.status();
  EXPECT_TRUE(local->IsLoopback());
  EXPECT_EQ(local->port(), 7000);
  const auto nowhere = targets.Resolve("nowhere.invalid:7000");
  EXPECT_EQ(nowhere.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(nowhere.status().message()), HasSubstr("'nowhere.invalid'"));
  EXPECT_EQ(targets.Resolve("LOCALHOST:0").status().code(), StatusCode::kInvalidArgument);
}

// What resolvers would take for an address is none to us.
TEST(LookUpTest, ANumberInDisguiseIsNoName) {
  for (const char* name :
       {"localhost", "node-7", "a.b.c", "7.example", "x_y", "3com", "1.2.3.4a"}) {
    EXPECT_TRUE(IsHostName(name)) << name;
  }
  for (const std::string& name :
       {std::string("127.1"), std::string("2130706433"), std::string("0x7f000001"),
        std::string("0177.0.0.1"), std::string("127.0.0.0X1"), std::string("a.1"), std::string(""),
        std::string("."), std::string("a."), std::string(".a"), std::string("a..b"),
        std::string("a b"), std::string("fe80::1%lo"), std::string(254, 'a')}) {
    EXPECT_FALSE(IsHostName(name)) << name;
  }
}

}  // namespace
}  // namespace handshake::client

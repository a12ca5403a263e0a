#include "common/net/cidr.h"

#include <gtest/gtest.h>

#include <string>

namespace handshake::net {
namespace {

bool Contains(const char* cidr, const std::string& host) {
  return Cidr::Parse(cidr)->Contains(*Address::Parse(host + ":1"));
}

TEST(CidrTest, ContainsWhatBeginsWithItsBits) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Contains("192.168.128.0/17", "192.168.255.255"));
  EXPECT_FALSE(Contains("192.168.128.0/17", "192.168.127.255"));
  EXPECT_TRUE(Contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(Contains("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(Contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_TRUE(Contains("2001:db8::/33", "[2001:db8:7fff::1]"));
  EXPECT_FALSE(Contains("2001:db8::/33", "[2001:db8:8000::1]"));
  EXPECT_TRUE(Contains("::1", "[::1]"));
  EXPECT_FALSE(Contains("::1", "[::2]"));
}

TEST(CidrTest, FamiliesDoNotContainEachOther) {
  EXPECT_FALSE(Contains("127.0.0.0/8", "[::ffff:127.0.0.1]"));
  EXPECT_FALSE(Contains("::/0", "127.0.0.1"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "[::]"));
}

TEST(CidrTest, IsWrittenWithItsPrefix) {
  EXPECT_EQ(Cidr::Parse("10.0.0.0/8")->ToString(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::Parse("::1")->ToString(), "::1/128");
  EXPECT_EQ(Cidr::Of(*Address::Parse("192.0.2.1:80")).ToString(), "192.0.2.1/32");
}

TEST(CidrTest, AnythingElseIsRefused) {
  for (const std::string text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "10/8",
        "::/129", "::1/127", "[::1]/128", "localhost", "010.0.0.0/8", "10.0.0.0/8/8", " 10.0.0.0/8",
        "fe80::1%lo/64"}) {
    EXPECT_FALSE(Cidr::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(Cidr::Parse(std::string_view("10.0.0.0\0x/8", 12)).ok());
}

}  // namespace
}  // namespace handshake::net

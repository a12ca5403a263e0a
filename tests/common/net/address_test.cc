#include "common/net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/net/unique_fd.h"

namespace handshake::net {
namespace {

using ::testing::HasSubstr;

TEST(AddressTest, WhatIsParsedIsWrittenTheSame) {
  for (const char* text : {"127.0.0.1:7000", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:7000",
                           "[::]:0", "[2001:db8::7]:443"}) {
    const auto address = Address::Parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(Address::Parse("localhost:80")->ToString(), "127.0.0.1:80");
  EXPECT_EQ(Address::Parse("[2001:DB8:0:0::7]:443")->ToString(), "[2001:db8::7]:443");
}

TEST(AddressTest, WhatIsNotAnAddressIsRefusedWithTheReason) {
  const struct {
    const char* text;
    const char* says;
  } kCases[] = {
      {"", "has no port"},
      {"127.0.0.1", "has no port"},
      {"127.0.0.1:", "port is not a number"},
      {"127.0.0.1:70000", "port is not a number"},
      {"127.0.0.1:-1", "port is not a number"},
      {"127.0.0.1:7x", "port is not a number"},
      {"127.0.0.1: 7", "port is not a number"},
      {":7000", "not a numeric IPv4 address"},
      {"example.org:7000", "not a numeric IPv4 address"},
      {"127.1:7000", "not a numeric IPv4 address"},
      {"127.0.0.256:7000", "not a numeric IPv4 address"},
      {"::1:7000", "IPv6 needs brackets"},
      {"[::1:7000", "IPv6 needs brackets"},
      {"[127.0.0.1]:7000", "not an IPv6 address"},
      {"[fe80::1%lo]:7000", "not an IPv6 address"},
      {"[]:7000", "not an IPv6 address"},
  };
  for (const auto& c : kCases) {
    const auto address = Address::Parse(c.text);
    ASSERT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    const std::string message(address.status().message());
    EXPECT_THAT(message, HasSubstr(c.says)) << c.text;
    EXPECT_THAT(message, HasSubstr("write HOST:PORT"));
  }
}

TEST(AddressTest, AHostWithZeroByteIsRefused) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(Address::Parse("127.0.0.1\0.evil:7000"sv).ok());
}

TEST(AddressTest, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.255.255:1", "[::1]:1"}) {
    EXPECT_TRUE(Address::Parse(text)->IsLoopback()) << text;
  }
  for (const char* text : {"126.255.255.255:1", "128.0.0.0:1", "0.0.0.0:1", "[::]:1", "[::2]:1",
                           "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(Address::Parse(text)->IsLoopback()) << text;
  }
}

TEST(AddressTest, PortAndHostOrder) {
  Address address = Address::FromIpv4(0x7f010203, 7000);
  EXPECT_EQ(address.ToString(), "127.1.2.3:7000");
  address.set_port(1);
  EXPECT_EQ(address.port(), 1);
  EXPECT_NE(address, Address::FromIpv4(0x7f010203, 7000));
  EXPECT_EQ(address, Address::FromIpv4(0x7f010203, 1));
  EXPECT_EQ(Address().ToString(), "0.0.0.0:0");
}

class BothFamilies : public ::testing::TestWithParam<const char*> {};

TEST_P(BothFamilies, BothEndsOfASocketAreKnown) {
  const Address any = *Address::Parse(GetParam());
  const UniqueFd listener(socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), any.data(), any.size()), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  const Address target = Address::OfSocket(listener.get());
  EXPECT_GT(target.port(), 0);
  const UniqueFd client(socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), target.data(), target.size()), 0);
  const UniqueFd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(Address::OfPeer(client.get()), target);
  EXPECT_EQ(Address::OfPeer(server.get()), Address::OfSocket(client.get()));
}

INSTANTIATE_TEST_SUITE_P(AddressTest, BothFamilies, ::testing::Values("127.0.0.1:0", "[::1]:0"));

TEST(AddressTest, ADescriptorWithoutAddressHasNone) {
  EXPECT_EQ(Address::OfSocket(-1), Address());
  const UniqueFd unconnected(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Address::OfPeer(unconnected.get()), Address());
}

}  // namespace
}  // namespace handshake::net

#include "common/stats/kernel_counters.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <vector>

namespace handshake::stats {
namespace {

TEST(CpuTicksTest, GoOn) {
  const CpuTicks before = ReadCpuTicks();
  EXPECT_GT(before.all, 0);
  EXPECT_GE(before.stolen, 0);
  EXPECT_LT(before.stolen, before.all);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  CpuTicks now = before;
  while (now.all == before.all && std::chrono::steady_clock::now() < deadline) now = ReadCpuTicks();
  EXPECT_GT(now.all, before.all);
}

TEST(CpuTicksTest, TheStolenShareIsOfTheTimeBetween) {
  EXPECT_DOUBLE_EQ(StolenShare({.stolen = 100, .all = 1'000}, {.stolen = 150, .all = 2'000}), 0.05);
  EXPECT_EQ(StolenShare({.stolen = 100, .all = 1'000}, {.stolen = 100, .all = 2'000}), 0);
  EXPECT_EQ(StolenShare({.stolen = 100, .all = 1'000}, {.stolen = 100, .all = 1'000}), 0);
  EXPECT_EQ(StolenShare({.stolen = 100, .all = 1'000}, {.stolen = 99, .all = 2'000}), 0);
}

// Fills an accept queue of one and knocks until the kernel says that it overflowed.
TEST(ListenCountersTest, SeeAnOverflowingAcceptQueue) {
  const ListenCounters before = ReadListenCounters();
  const RetransmitCounters sent_again_before = ReadRetransmitCounters();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::vector<int> clients;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  ListenCounters after = before;
  while (after.overflows == before.overflows && clients.size() < 500 &&
         std::chrono::steady_clock::now() < deadline) {
    clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connect(clients.back(), reinterpret_cast<sockaddr*>(&address), size);
    after = ReadListenCounters();
  }
  EXPECT_GT(after.overflows, before.overflows);
  EXPECT_GT(after.drops, before.drops);
  // A SYN that was dropped is sent again a second later.
  RetransmitCounters sent_again = sent_again_before;
  while (sent_again.syns == sent_again_before.syns && std::chrono::steady_clock::now() < deadline) {
    sent_again = ReadRetransmitCounters();
  }
  EXPECT_GT(sent_again.syns, sent_again_before.syns);
  EXPECT_GT(sent_again.segments, sent_again_before.segments);
  for (int client : clients) close(client);
  close(listener);
}

}  // namespace
}  // namespace handshake::stats

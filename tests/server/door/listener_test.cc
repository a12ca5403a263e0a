// The shards of an address: who may listen, and which shard gets a connection.
#include "server/door/listener.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <barrier>
#include <future>
#include <thread>
#include <vector>

#include "common/net/unique_fd.h"
#include "server/door/cpus.h"

namespace handshake::server {
namespace {

constexpr int kConnections = 16;

ListenerOptions AnyPort() {
  return {.address = *net::Address::Parse("127.0.0.1:0"), .protocol = wire::HandshakeOptions()};
}

// Connects from a thread that stays on `cpu`.
std::vector<net::UniqueFd> ConnectFrom(int cpu, const net::Address& to) {
  std::vector<net::UniqueFd> connected;
  std::thread([&] {
    StayOn(std::vector<int>{cpu});
    for (int i = 0; i < kConnections; ++i) {
      net::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (connect(fd.get(), to.data(), to.size()) == 0) connected.push_back(std::move(fd));
    }
  }).join();
  return connected;
}

TEST(ListenerTest, ShardsShareOneAddress) {
  const std::vector<int> cpus = {0, 1, 2, 3};  // they need not be there
  const auto shards = Listener::OpenShards(AnyPort(), 0, cpus);
  ASSERT_TRUE(shards.ok()) << shards.status();
  ASSERT_EQ(shards->size(), cpus.size());
  for (size_t i = 0; i < cpus.size(); ++i) {
    EXPECT_EQ((*shards)[i].shard(), static_cast<int>(i));
    EXPECT_EQ((*shards)[i].address().ToString(), shards->front().address().ToString());
  }
}

TEST(ListenerTest, AConnectionGoesToTheShardOfItsCpu) {
  const std::vector<int> cpus = AllowedCpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU only";
  const auto shards = Listener::OpenShards(AnyPort(), 0, cpus);
  ASSERT_TRUE(shards.ok()) << shards.status();
  for (size_t i = 0; i < cpus.size(); ++i) {
    const auto connected = ConnectFrom(cpus[i], shards->front().address());
    ASSERT_EQ(connected.size(), kConnections);
    for (size_t j = 0; j < shards->size(); ++j) {
      EXPECT_EQ((*shards)[j].QueueLength(), j <= i ? kConnections : 0)
          << "shard " << j << " after connects on CPU " << cpus[i];
    }
  }
}

TEST(ListenerTest, FromAnotherCpuTheyAreSpread) {
  const std::vector<int> cpus = {8'000, 8'001};  // not here
  const auto shards = Listener::OpenShards(AnyPort(), 0, cpus);
  ASSERT_TRUE(shards.ok()) << shards.status();
  std::vector<net::UniqueFd> connected;
  for (int i = 0; i < 4; ++i) {
    for (net::UniqueFd& one : ConnectFrom(AllowedCpus().front(), shards->front().address())) {
      connected.push_back(std::move(one));
    }
  }
  // A fair hash leaves one of them empty once in 2^63 runs.
  EXPECT_GT(shards->front().QueueLength(), 0);
  EXPECT_GT(shards->back().QueueLength(), 0);
}

TEST(ListenerTest, OfTwoThatStartAtOnceOneIsRefused) {
  const std::vector<int> cpus = {0, 1, 2, 3};
  ListenerOptions options = AnyPort();
  options.address = Listener::OpenShards(options, 0, cpus)->front().address();  // free again
  for (int round = 0; round < 200; ++round) {
    std::barrier ready(2);
    // Kept open until both have tried.
    const auto open = [&] {
      ready.arrive_and_wait();
      return Listener::OpenShards(options, 0, cpus);
    };
    auto other = std::async(std::launch::async, open);
    const auto one = open();
    const auto two = other.get();
    EXPECT_FALSE(one.ok() && two.ok()) << "both serve the port, in round " << round;
  }
}

TEST(ListenerTest, ASecondServerIsRefused) {
  const std::vector<int> cpus = {0, 1};
  const auto first = Listener::OpenShards(AnyPort(), 0, cpus);
  ASSERT_TRUE(first.ok()) << first.status();
  ListenerOptions same = AnyPort();
  same.address = first->front().address();
  for (const auto& wanted : {std::vector<int>{0}, cpus}) {
    EXPECT_EQ(Listener::OpenShards(same, 0, wanted).status().code(),
              absl::StatusCode::kAlreadyExists);
  }
}

}  // namespace
}  // namespace handshake::server

#include "common/net/wake_event.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <cstdint>
#include <thread>
#include <vector>

namespace handshake::net {
namespace {

bool Readable(const WakeEvent& event, int timeout_ms = 0) {
  pollfd waiting = {.fd = event.fd(), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, timeout_ms) == 1;
}

TEST(WakeEventTest, IsReadableFromRaiseToClear) {
  WakeEvent event;
  ASSERT_TRUE(event.Open().ok());
  EXPECT_FALSE(Readable(event));
  event.Raise();
  event.Raise();
  EXPECT_TRUE(Readable(event));
  event.Clear();
  EXPECT_FALSE(Readable(event));
  event.Clear();  // with nothing to clear: does not block
  event.Raise();
  EXPECT_TRUE(Readable(event));
}

TEST(WakeEventTest, AFullOneIsStillRaisedWithoutBlocking) {
  WakeEvent event;
  ASSERT_TRUE(event.Open().ok());
  const uint64_t most = UINT64_MAX - 1;
  ASSERT_EQ(write(event.fd(), &most, sizeof(most)), static_cast<ssize_t>(sizeof(most)));
  event.Raise();
  EXPECT_TRUE(Readable(event));
  event.Clear();
  EXPECT_FALSE(Readable(event));
}

TEST(WakeEventTest, AsALatchItWakesEveryThread) {
  WakeEvent event;
  ASSERT_TRUE(event.Open().ok());
  std::vector<int> woken(4, 0);
  std::vector<std::thread> threads;
  for (int& mine : woken) {
    threads.emplace_back([&event, &mine] { mine = Readable(event, 30'000) ? 1 : 0; });
  }
  event.Raise();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(woken, std::vector<int>(4, 1));
}

TEST(WakeEventTest, SaysThatNoDescriptorIsLeft) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  WakeEvent event;
  const absl::Status status = event.Open();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace handshake::net

#include "common/stats/process_usage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <latch>
#include <thread>
#include <vector>

namespace handshake::stats {
namespace {

using std::chrono::milliseconds;

TEST(ProcessUsageTest, CpuTimeGrowsWithWork) {
  const auto before = ReadProcessUsage().cpu;
  EXPECT_GT(before.count(), 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  auto now = before;
  while (now < before + milliseconds(20) && std::chrono::steady_clock::now() < deadline) {
    now = ReadProcessUsage().cpu;
  }
  EXPECT_GE(now, before + milliseconds(20));
}

TEST(ProcessUsageTest, ResidentMemoryGrowsWithTouchedPages) {
  constexpr size_t kBytes = 64 << 20;
  const int64_t before = ReadProcessUsage().resident_bytes;
  const std::vector<char> touched(kBytes, 'x');
  const int64_t after = ReadProcessUsage().resident_bytes;
  EXPECT_GT(before, 0);
  EXPECT_GE(after - before, static_cast<int64_t>(touched.size() / 2));
}

TEST(ProcessUsageTest, CountsThreads) {
  std::thread([] {}).join();  // ThreadSanitizer adds a thread of its own to the first
  const int64_t before = ReadProcessUsage().thread_count;
  std::latch release(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&release] { release.wait(); });
  EXPECT_EQ(ReadProcessUsage().thread_count, before + 3);
  release.count_down();
  for (std::thread& thread : threads) thread.join();
}

TEST(ProcessUsageTest, CountsOpenDescriptorsAndKnowsTheirLimit) {
  const ProcessUsage before = ReadProcessUsage();
  const int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(ReadProcessUsage().open_fd_count, before.open_fd_count + 2);
  close(one);
  close(other);
  EXPECT_EQ(ReadProcessUsage().open_fd_count, before.open_fd_count);

  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(before.fd_limit, static_cast<int64_t>(limit.rlim_cur));
}

}  // namespace
}  // namespace handshake::stats

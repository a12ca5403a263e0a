#include "common/net/reactor.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/net/wake_event.h"

namespace handshake::net {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr uint32_t kReadable = Reactor::kReadable;
constexpr uint32_t kWritable = Reactor::kWritable;

struct Pair {
  UniqueFd here;
  UniqueFd there;
};

Pair StreamPair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {.here = UniqueFd(fds[0]), .there = UniqueFd(fds[1])};
}

void Send(const UniqueFd& fd, std::string_view text) {
  EXPECT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

class ReactorTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(reactor_.Open().ok()); }

  // What is ready at once, by tag.
  std::map<uint64_t, uint32_t> Ready() {
    std::map<uint64_t, uint32_t> ready;
    for (const Reactor::Event& event : reactor_.Wait(Clock::now())) ready[event.tag] = event.what;
    return ready;
  }

  Reactor reactor_;
};

using Events = std::map<uint64_t, uint32_t>;

TEST_F(ReactorTest, ReportsReadinessForAsLongAsItLasts) {
  const Pair pair = StreamPair();
  ASSERT_EQ(reactor_.Watch(pair.here.get(), 7, kReadable), 0);
  EXPECT_EQ(Ready(), Events());
  Send(pair.there, "xy");
  EXPECT_EQ(Ready(), (Events{{7, kReadable}}));
  EXPECT_EQ(Ready(), (Events{{7, kReadable}}));
  char byte;
  ASSERT_EQ(read(pair.here.get(), &byte, 1), 1);
  EXPECT_EQ(Ready(), (Events{{7, kReadable}}));
  ASSERT_EQ(read(pair.here.get(), &byte, 1), 1);
  EXPECT_EQ(Ready(), Events());
}

TEST_F(ReactorTest, APreciseWaitIsNeverEarlyAndSeesWhatIsReady) {
  for (const auto wait : {std::chrono::microseconds(0), std::chrono::microseconds(1),
                          std::chrono::microseconds(1'234)}) {
    const auto until = Clock::now() + wait;
    EXPECT_TRUE(reactor_.WaitPrecisely(until).empty());
    EXPECT_GE(Clock::now(), until);
  }
  EXPECT_TRUE(reactor_.WaitPrecisely(Clock::now() - 1h).empty());
  const Pair pair = StreamPair();
  ASSERT_EQ(reactor_.Watch(pair.here.get(), 7, kReadable), 0);
  Send(pair.there, "x");
  for (const std::optional<Clock::time_point>& until :
       {std::optional<Clock::time_point>(), std::optional(Clock::time_point::max())}) {
    const auto ready = reactor_.WaitPrecisely(until);
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].tag, 7u);
  }
}

TEST_F(ReactorTest, RewatchChangesTagAndInterest) {
  const Pair pair = StreamPair();
  ASSERT_EQ(reactor_.Watch(pair.here.get(), 1, kReadable), 0);
  EXPECT_EQ(reactor_.Rewatch(pair.here.get(), 2, kReadable | kWritable), 0);
  EXPECT_EQ(Ready(), (Events{{2, kWritable}}));
  Send(pair.there, "x");
  EXPECT_EQ(Ready(), (Events{{2, kReadable | kWritable}}));
}

TEST_F(ReactorTest, UnwatchAndCloseEndIt) {
  Pair first = StreamPair();
  Pair second = StreamPair();
  ASSERT_EQ(reactor_.Watch(first.here.get(), 1, kWritable), 0);
  ASSERT_EQ(reactor_.Watch(second.here.get(), 2, kWritable), 0);
  reactor_.Unwatch(first.here.get());
  EXPECT_EQ(Ready(), (Events{{2, kWritable}}));
  second.here.reset();
  EXPECT_EQ(Ready(), Events());
}

TEST_F(ReactorTest, AHangUpSetsBoth) {
  Pair pair = StreamPair();
  ASSERT_EQ(reactor_.Watch(pair.here.get(), 3, kReadable), 0);
  pair.there.reset();
  EXPECT_EQ(Ready(), (Events{{3, kReadable | kWritable}}));
}

TEST_F(ReactorTest, MisuseIsSaidByErrno) {
  const Pair pair = StreamPair();
  ASSERT_EQ(reactor_.Watch(pair.here.get(), 1, kReadable), 0);
  EXPECT_EQ(reactor_.Watch(pair.here.get(), 1, kReadable), EEXIST);
  EXPECT_EQ(reactor_.Rewatch(pair.there.get(), 1, kReadable), ENOENT);
  EXPECT_EQ(reactor_.Watch(-1, 1, kReadable), EBADF);
}

TEST_F(ReactorTest, WaitsUntilTheTimeAndNeverLess) {
  for (const auto wait : {1us, 999us, 1'001us, 20'000us}) {
    const auto until = Clock::now() + wait;
    EXPECT_TRUE(reactor_.Wait(until).empty());
    EXPECT_GE(Clock::now(), until);
  }
}

TEST_F(ReactorTest, ATimeInThePastOnlyLooks) {
  const Pair pair = StreamPair();
  ASSERT_EQ(reactor_.Watch(pair.here.get(), 1, kWritable), 0);
  EXPECT_EQ(reactor_.Wait(Clock::now() - 1h).size(), 1u);
  reactor_.Unwatch(pair.here.get());
  EXPECT_TRUE(reactor_.Wait(Clock::now() - 1h).empty());
}

TEST_F(ReactorTest, WithoutLimitItWaitsForAWakeUp) {
  WakeEvent wake;
  ASSERT_TRUE(wake.Open().ok());
  ASSERT_EQ(reactor_.Watch(wake.fd(), 9, kReadable), 0);
  std::thread waker([&wake] { wake.Raise(); });
  EXPECT_EQ(reactor_.Wait(std::nullopt).size(), 1u);
  waker.join();
}

TEST_F(ReactorTest, OthersMayWatchWhileItWaits) {
  const Pair pair = StreamPair();
  std::thread other([&] { EXPECT_EQ(reactor_.Watch(pair.here.get(), 5, kWritable), 0); });
  const auto events = reactor_.Wait(Clock::now() + 30s);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].tag, 5u);
  other.join();
}

TEST_F(ReactorTest, MoreThanOneWaitCanHoldAreAllReportedInTheEnd) {
  constexpr uint64_t kPairs = 400;
  std::vector<Pair> pairs;
  for (uint64_t tag = 0; tag < kPairs; ++tag) {
    pairs.push_back(StreamPair());
    ASSERT_EQ(reactor_.Watch(pairs.back().here.get(), tag, kWritable), 0);
  }
  Events seen;
  for (int turn = 0; turn < 10 && seen.size() < kPairs; ++turn) seen.merge(Ready());
  EXPECT_EQ(seen.size(), kPairs);
}

TEST(TimeoutMsTest, RoundsUpAndStaysInRange) {
  const auto now = Clock::now();
  EXPECT_EQ(TimeoutMs(std::nullopt, now), -1);
  EXPECT_EQ(TimeoutMs(now, now), 0);
  EXPECT_EQ(TimeoutMs(now - 5s, now), 0);
  EXPECT_EQ(TimeoutMs(now + 1ns, now), 1);
  EXPECT_EQ(TimeoutMs(now + 1ms, now), 1);
  EXPECT_EQ(TimeoutMs(now + 1ms + 1ns, now), 2);
  EXPECT_EQ(TimeoutMs(now + 24h * 365, now), INT_MAX);
  EXPECT_EQ(TimeoutMs(Clock::time_point::max(), now), INT_MAX);
}

}  // namespace
}  // namespace handshake::net

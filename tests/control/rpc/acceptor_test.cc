#include "control/rpc/acceptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "common/stats/process_usage.h"
#include "control/rpc/limits.h"

namespace handshake::control {
namespace {

using namespace std::chrono_literals;
using net::UniqueFd;

constexpr auto kPatience = 20s;

class AcceptorTest : public testing::Test {
 protected:
  static constexpr size_t kMost = 3;

  void SetUp() override {
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit_), 0);
    ASSERT_TRUE(acceptor_.Listen(*net::Address::Parse("127.0.0.1:0")).ok());
    ASSERT_TRUE(acceptor_
                    .Start([this](int fd) {
                      const std::lock_guard lock(mutex_);
                      accepted_.emplace_back(fd);
                      changed_.notify_all();
                    })
                    .ok());
  }

  void TearDown() override { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit_), 0); }

  UniqueFd ConnectSilently() {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const net::Address address = acceptor_.address();
    EXPECT_EQ(connect(fd.get(), address.data(), address.size()), 0);
    return fd;
  }
  UniqueFd Connect() {
    UniqueFd fd = ConnectSilently();
    EXPECT_EQ(send(fd.get(), "P", 1, MSG_NOSIGNAL), 1);
    return fd;
  }
  // The next connection that was handed out; none if that takes too long.
  UniqueFd Next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return !accepted_.empty(); })) return {};
    UniqueFd next = std::move(accepted_.front());
    accepted_.pop_front();
    return next;
  }
  // Is it closed by the other side, without a word?
  static bool IsClosed(const UniqueFd& fd) {
    pollfd wait{.fd = fd.get(), .events = POLLIN, .revents = 0};
    char byte;
    return poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1 &&
           recv(fd.get(), &byte, 1, 0) <= 0;
  }

  rlimit limit_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<UniqueFd> accepted_;
  Acceptor acceptor_{kMost, 1h};  // last: its thread uses the others
};

TEST_F(AcceptorTest, ClosesThoseBeyondTheMostAndTakesOneForEachThatHasLeft) {
  std::vector<UniqueFd> clients;
  std::vector<UniqueFd> served;
  for (size_t i = 0; i < kMost; ++i) {
    clients.push_back(Connect());
    served.push_back(Next());
    ASSERT_TRUE(served.back());
  }
  const UniqueFd refused = Connect();
  EXPECT_TRUE(IsClosed(refused));
  served.front().reset();
  const UniqueFd late = Connect();
  EXPECT_TRUE(Next());
}

// What somebody else has opened at a number that was given back is not a connection.
TEST_F(AcceptorTest, IsNotMisledByANumberThatIsUsedAgain) {
  std::vector<UniqueFd> clients;
  std::vector<UniqueFd> served;
  for (size_t i = 0; i < kMost; ++i) {
    clients.push_back(Connect());
    served.push_back(Next());
    ASSERT_TRUE(served.back());
  }
  const int number = served.front().get();
  const UniqueFd other(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(dup2(other.get(), number), number);
  const UniqueFd late = Connect();
  EXPECT_TRUE(Next());
}

TEST_F(AcceptorTest, GoesOnWhenThereAreDescriptorsAgain) {
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit low = limit_;
  low.rlim_cur = static_cast<rlim_t>(stats::ReadProcessUsage().open_fd_count) + 16;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<UniqueFd> others;
  do {
    others.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (others.back());
  EXPECT_EQ(errno, EMFILE);
  const net::Address address = acceptor_.address();
  ASSERT_EQ(connect(client.get(), address.data(), address.size()), 0);
  ASSERT_EQ(send(client.get(), "P", 1, MSG_NOSIGNAL), 1);
  {
    std::unique_lock lock(mutex_);
    EXPECT_FALSE(changed_.wait_for(lock, 200ms, [&] { return !accepted_.empty(); })) << "void";
  }
  others.clear();
  EXPECT_TRUE(Next());
}

// They take nobody's place, however many they are, and the oldest makes room for the next.
TEST_F(AcceptorTest, ThoseWhoSayNothingAreInNobodysWay) {
  std::vector<UniqueFd> silent;
  for (size_t i = 0; i < kMaxSilentConnections; ++i) silent.push_back(ConnectSilently());
  const UniqueFd one_more = ConnectSilently();
  EXPECT_TRUE(IsClosed(silent.front()));
  const UniqueFd client = Connect();
  EXPECT_TRUE(Next());
  ASSERT_EQ(send(one_more.get(), "P", 1, MSG_NOSIGNAL), 1);
  EXPECT_TRUE(Next()) << "who speaks late is served";
}

TEST_F(AcceptorTest, WhoSaysNothingMustGo) {
  Acceptor impatient(kMost, 1ms);
  ASSERT_TRUE(impatient.Listen(*net::Address::Parse("127.0.0.1:0")).ok());
  ASSERT_TRUE(impatient.Start([](int fd) { close(fd); }).ok());
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const net::Address address = impatient.address();
  ASSERT_EQ(connect(fd.get(), address.data(), address.size()), 0);
  EXPECT_TRUE(IsClosed(fd));
}

TEST_F(AcceptorTest, WhoSaysNothingAndLeavesIsForgotten) {
  ConnectSilently().reset();
  const UniqueFd client = Connect();
  EXPECT_TRUE(Next());
  std::unique_lock lock(mutex_);
  EXPECT_FALSE(changed_.wait_for(lock, 50ms, [&] { return !accepted_.empty(); }));
}

TEST_F(AcceptorTest, StopsAndFreesTheAddress) {
  const net::Address address = acceptor_.address();
  acceptor_.Stop();
  acceptor_.Stop();
  Acceptor next(kMost);
  EXPECT_TRUE(next.Listen(address).ok());
}

}  // namespace
}  // namespace handshake::control

#include "client/duplex.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>

#include "client/dial.h"
#include "client/line_talk.h"
#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::Script;
using handshake::test::TestServer;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = TalkEnd::Kind;
using net::UniqueFd;
using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

// All of the stream, to its end.
std::string ReadAll(const UniqueFd& fd) {
  std::string all;
  char bytes[65'536];
  ssize_t n = 0;
  while ((n = read(fd.get(), bytes, sizeof(bytes))) > 0) all.append(bytes, static_cast<size_t>(n));
  return all;
}

bool WriteAll(const UniqueFd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd.get(), bytes.data(), bytes.size());
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Bytes that `fd` takes until it has taken none for so long; at most `most`.
size_t Fill(const UniqueFd& fd, std::string_view line, size_t most) {
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  size_t taken = 0;
  std::string_view left = line;
  while (taken < most) {
    pollfd room = {.fd = fd.get(), .events = POLLOUT, .revents = 0};
    if (poll(&room, 1, 500) == 0) break;
    const ssize_t n = write(fd.get(), left.data(), left.size());
    if (n < 0 && errno != EAGAIN) break;
    if (n < 0) continue;
    taken += static_cast<size_t>(n);
    left.remove_prefix(static_cast<size_t>(n));
    if (left.empty()) left = line;
  }
  return taken;
}

void Reset(UniqueFd& fd) {
  const linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  fd.reset();
}

std::string Receive(const UniqueFd& fd, size_t bytes) {
  std::string text(bytes, '\0');
  const ssize_t n = recv(fd.get(), text.data(), bytes, MSG_WAITALL);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text;
}

// Answers with what it gets, as it comes.
Script Echo() {
  return [](UniqueFd fd) -> UniqueFd {
    char bytes[4'096];
    ssize_t n = 0;
    while ((n = recv(fd.get(), bytes, sizeof(bytes), 0)) > 0) {
      if (!WriteAll(fd, {bytes, static_cast<size_t>(n)})) break;
    }
    return {};
  };
}

// A talk with `script` on another thread; the test has the far ends of its input and output.
class DuplexTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  void Begin(Script script, std::chrono::nanoseconds timeout = 10s) {
    server_.emplace(std::move(script));
    MakePipe(their_input_, input_);
    MakePipe(output_, their_output_);
    end_ = std::async(std::launch::async, [this, timeout] {
      Dialled dialled =
          Establish(server_->address(), std::chrono::steady_clock::now() + kPatience, nullptr);
      const int small = 4'096;  // bytes: sends are partial
      setsockopt(dialled.fd.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
      LineTalk talk(server_->address().ToString(), timeout, {});
      const TalkEnd end =
          RunDuplex(talk, their_input_.get(), their_output_.get(), std::move(dialled.fd));
      flags_behind_it_ = fcntl(their_input_.get(), F_GETFL) | fcntl(their_output_.get(), F_GETFL);
      their_input_.reset();
      their_output_.reset();
      return end;
    });
  }
  TalkEnd End() {
    EXPECT_EQ(end_.wait_for(kPatience), std::future_status::ready);
    return end_.get();
  }

  // Ends it, whatever a failed test left open.
  ~DuplexTest() override {
    input_.reset();
    output_.reset();
  }

  UniqueFd input_;           // to write to
  UniqueFd output_;          // to read from
  int flags_behind_it_ = 0;  // of their input and output, once it has ended

 private:
  static void MakePipe(UniqueFd& read_end, UniqueFd& write_end) {
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
  }

  std::optional<TestServer> server_;
  UniqueFd their_input_;
  UniqueFd their_output_;
  std::future<TalkEnd> end_;
};

TEST_F(DuplexTest, TheEndOfTheInputClosesBothWays) {
  Begin(Echo());
  ASSERT_TRUE(WriteAll(input_, "one\ntwo\nlast"));
  input_.reset();
  EXPECT_EQ(ReadAll(output_), "one\ntwo\nlast");
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kDone) << end.text;
}

TEST_F(DuplexTest, WhatTheServerSaysBehindTheEndOfTheInputIsPrinted) {
  Begin([](UniqueFd fd) -> UniqueFd {
    const std::string all = ReadAll(fd);
    WriteAll(fd, "you said " + all + std::string(1'000'000, 'x'));
    return {};
  });
  ASSERT_TRUE(WriteAll(input_, "all\n"));
  input_.reset();
  const std::string printed = ReadAll(output_);
  EXPECT_THAT(printed, StartsWith("you said all\n"));
  EXPECT_EQ(printed.size(), 1'000'013u);
  EXPECT_EQ(End().kind, Kind::kDone);
}

TEST_F(DuplexTest, InputAndAnswersAreMovedAtTheSameTime) {
  Begin(Echo());
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + "\n";
  std::future<bool> written = std::async(std::launch::async, [&] {
    const bool all = WriteAll(input_, text);
    input_.reset();
    return all;
  });
  EXPECT_TRUE(ReadAll(output_) == text);
  EXPECT_TRUE(written.get());
  EXPECT_EQ(End().kind, Kind::kDone);
}

TEST_F(DuplexTest, TheServersEndIsToldWhileTheInputIsOpen) {
  Begin([](UniqueFd fd) -> UniqueFd {
    WriteAll(fd, "bye\n");
    return {};
  });
  EXPECT_EQ(ReadAll(output_), "bye\n");
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kCut);
  EXPECT_THAT(end.text, HasSubstr("closed the connection while the input was still open"));
}

TEST_F(DuplexTest, AServerThatDoesNotReadStopsTheInput) {
  std::promise<void> read_now;
  std::promise<std::string> got;
  Begin([&](UniqueFd fd) -> UniqueFd {
    read_now.get_future().wait_for(kPatience);
    got.set_value(ReadAll(fd));
    return {};
  });
  constexpr size_t kMost = 64 * 1024 * 1024;
  const size_t taken = Fill(input_, std::string(99, 'x') + "\n", kMost);
  EXPECT_LT(taken, kMost / 4);  // the kernel's buffers, and ours
  EXPECT_GT(taken, kMaxHeldBytes);
  input_.reset();
  read_now.set_value();
  EXPECT_EQ(got.get_future().get().size(), taken);
  EXPECT_EQ(End().kind, Kind::kDone);
}

TEST_F(DuplexTest, AnOutputThatIsNotReadStopsTheServer) {
  std::promise<size_t> took;
  constexpr size_t kMost = 64 * 1024 * 1024;
  Begin([&](UniqueFd fd) -> UniqueFd {
    took.set_value(Fill(fd, std::string(99, 'y') + "\n", kMost));
    return {};
  });
  const size_t taken = took.get_future().get();
  EXPECT_LT(taken, kMost / 4);
  EXPECT_GT(taken, kMaxHeldBytes);
  input_.reset();
  EXPECT_EQ(ReadAll(output_).size(), taken);
  End();
}

TEST_F(DuplexTest, AReaderThatLeavesEndsItThoughNothingIsSaid) {
  Begin([](UniqueFd fd) -> UniqueFd {
    ReadAll(fd);
    return {};
  });
  output_.reset();
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kDone);
  EXPECT_EQ(end.text, "");
}

TEST_F(DuplexTest, AReaderThatLeavesEndsItInTheMiddle) {
  Begin([](UniqueFd fd) -> UniqueFd {
    while (WriteAll(fd, "and so on\n")) continue;
    return {};
  });
  char byte;
  EXPECT_EQ(read(output_.get(), &byte, 1), 1);
  output_.reset();
  EXPECT_EQ(End().kind, Kind::kDone);
}

TEST_F(DuplexTest, AnOutputThatCannotBeWrittenIsTold) {
  TestServer server([](UniqueFd fd) -> UniqueFd {
    WriteAll(fd, "something\n");
    ReadAll(fd);
    return {};
  });
  const UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  const UniqueFd input(fds[0]), writer(fds[1]);
  Dialled dialled =
      Establish(server.address(), std::chrono::steady_clock::now() + kPatience, nullptr);
  LineTalk talk("server", 10s, {});
  const TalkEnd end = RunDuplex(talk, input.get(), full.get(), std::move(dialled.fd));
  EXPECT_EQ(end.kind, Kind::kCut);
  EXPECT_EQ(end.text, "cannot write standard output: No space left on device");
}

TEST_F(DuplexTest, AnInputThatCannotBeReadIsTold) {
  TestServer server(Echo());
  const UniqueFd folder(open("/", O_RDONLY | O_CLOEXEC));
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Dialled dialled =
      Establish(server.address(), std::chrono::steady_clock::now() + kPatience, nullptr);
  LineTalk talk("server", 10s, {});
  const TalkEnd end = RunDuplex(talk, folder.get(), null.get(), std::move(dialled.fd));
  EXPECT_EQ(end.kind, Kind::kBadInput);
  EXPECT_EQ(end.text, "cannot read standard input: Is a directory");
}

TEST_F(DuplexTest, APingIsAnsweredWhileTheInputIsSilent) {
  Begin([](UniqueFd fd) -> UniqueFd {
    WriteAll(fd, "PING\n");
    WriteAll(fd, "got " + Receive(fd, 5));
    return {};
  });
  EXPECT_EQ(ReadAll(output_), "got PONG\n");
  End();
}

TEST_F(DuplexTest, AResetIsTold) {
  Begin([](UniqueFd fd) -> UniqueFd {
    Receive(fd, 4);
    Reset(fd);
    return {};
  });
  ASSERT_TRUE(WriteAll(input_, "one\n"));
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kCut);
  EXPECT_THAT(end.text, HasSubstr("was reset by the server"));
}

// It is told once, here to the call that sends.
TEST_F(DuplexTest, AResetInTheMiddleOfSendingIsToldAsOne) {
  std::promise<void> full;
  Begin([&](UniqueFd fd) -> UniqueFd {
    full.get_future().wait_for(kPatience);
    Reset(fd);
    return {};
  });
  Fill(input_, std::string(99, 'x') + "\n", 64 * 1024 * 1024);
  full.set_value();
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kCut);
  EXPECT_THAT(end.text, HasSubstr("was reset by the server"));
}

TEST_F(DuplexTest, AnErrorLineIsHeardThoughAResetFollowsWhileWeSend) {
  std::promise<void> full;
  Begin([&](UniqueFd fd) -> UniqueFd {
    full.get_future().wait_for(kPatience);
    WriteAll(fd, "ERROR IDLE enough\n");
    return {};  // closed with bytes unread: a reset
  });
  Fill(input_, std::string(99, 'x') + "\n", 64 * 1024 * 1024);
  full.set_value();
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kServerError);
  EXPECT_EQ(end.text, "ERROR IDLE enough");
}

TEST_F(DuplexTest, AServerThatStaysSilentBehindTheEndOfTheInputIsGivenUp) {
  Begin([](UniqueFd fd) -> UniqueFd { return fd; }, 50ms);
  ASSERT_TRUE(WriteAll(input_, "one\n"));
  input_.reset();
  const TalkEnd end = End();
  EXPECT_EQ(end.kind, Kind::kCut);
  EXPECT_THAT(end.text, HasSubstr("no word from"));
}

TEST_F(DuplexTest, TheBlockingStateOfInputAndOutputIsLeftAlone) {
  Begin(Echo());
  ASSERT_TRUE(WriteAll(input_, "one\n"));
  input_.reset();
  EXPECT_EQ(End().kind, Kind::kDone);
  EXPECT_EQ(flags_behind_it_ & O_NONBLOCK, 0);
}

}  // namespace
}  // namespace handshake::client

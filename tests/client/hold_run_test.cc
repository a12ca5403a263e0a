#include "client/hold_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::TestServer;
using ::testing::HasSubstr;
using wire::Clock;
using wire::Verdict;
using namespace std::chrono_literals;

int64_t Ended(const HoldReport& report) {
  return std::accumulate(report.ended.begin(), report.ended.end(), int64_t{0});
}

int64_t Count(const HoldReport& report, Verdict verdict) {
  return report.ended[static_cast<size_t>(verdict)];
}

std::unique_ptr<HoldRun> Start(const HoldSpec& spec) {
  absl::StatusOr<std::unique_ptr<HoldRun>> run = HoldRun::Start(spec);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? *std::move(run) : nullptr;
}

HoldReport ToTheEnd(HoldRun& run) {
  EXPECT_TRUE(run.WaitFor(60s));
  const HoldReport report = run.Report();
  EXPECT_EQ(report.phase, HoldPhase::kDone);
  EXPECT_EQ(report.failed() + report.finished(), Ended(report));
  EXPECT_EQ(Count(report, Verdict::kNone), 0);
  return report;
}

// False: it did not come to that in time.
bool Eventually(const std::function<bool()>& condition, std::chrono::seconds limit = 30s) {
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

bool ComesTo(HoldRun& run, HoldPhase phase) {
  return Eventually([&] {
    run.WaitFor(0s);  // notices processes that ended
    return run.Report().phase == phase;
  });
}

// The hard limit cannot be raised again: for a process of its own, as EXPECT_EXIT makes it. Says
// what came out on stderr.
[[noreturn]] void HoldWithin(rlim_t fd_limit, const HoldSpec& spec) {
  const rlimit low = {.rlim_cur = fd_limit / 2, .rlim_max = fd_limit};
  setrlimit(RLIMIT_NOFILE, &low);
  const absl::StatusOr<std::unique_ptr<HoldRun>> run = HoldRun::Start(spec);
  if (run.ok()) {
    const HoldReport report = ToTheEnd(**run);
    std::fprintf(stderr, "%d ok in %d processes of %d files\n", static_cast<int>(report.finished()),
                 static_cast<int>(report.processes), static_cast<int>(report.fd_limit));
  } else {
    std::fprintf(stderr, "%s\n", run.status().ToString().c_str());
  }
  _exit(0);
}

// A thread for each connection: it can hold as many as it has.
class HoldRunTest : public ::testing::Test {
 protected:
  static constexpr int kThreads = 200;

  HoldSpec Spec(int64_t connections, std::chrono::nanoseconds hold) const {
    return {.target = server_.address(), .connections = connections, .hold = hold};
  }

  std::atomic<int64_t> completed_{0};
  std::atomic<int64_t> abandoned_{0};
  TestServer server_{handshake::test::Serve({},
                                            [this](Verdict verdict) {
                                              const bool ok = verdict == Verdict::kOk;
                                              ++(ok ? completed_ : abandoned_);
                                            }),
                     kThreads};
};

TEST_F(HoldRunTest, AllAreHeldAtOnceAndAllFinish) {
  HoldSpec spec = Spec(kThreads, 300ms);
  spec.processes = 3;
  const std::unique_ptr<HoldRun> run = Start(spec);
  ASSERT_TRUE(ComesTo(*run, HoldPhase::kHolding));
  EXPECT_EQ(server_.accepted(), kThreads);
  const HoldReport report = ToTheEnd(*run);
  EXPECT_EQ(report.opened, kThreads);
  EXPECT_EQ(report.held(), kThreads);
  EXPECT_EQ(report.finished(), kThreads);
  EXPECT_EQ(report.failed(), 0);
  EXPECT_EQ(report.processes, 3);
  EXPECT_EQ(completed_, kThreads);
  EXPECT_GT(report.open_time, 0ns);
  EXPECT_GE(report.hold_time, 300ms);
  EXPECT_LT(report.hold_time, 301ms);
  EXPECT_GT(report.finish_time, 0ns);
  EXPECT_GT(report.cpu, 0ns);
  EXPECT_FALSE(report.cancelled);
}

TEST_F(HoldRunTest, NoneFinishesBeforeTheEndAndACancelledHoldFinishesAll) {
  const std::unique_ptr<HoldRun> run = Start(Spec(100, 1h));
  ASSERT_TRUE(ComesTo(*run, HoldPhase::kHolding));
  const HoldReport holding = run->Report();
  EXPECT_EQ(holding.opened, 100);
  EXPECT_EQ(holding.held(), 100);
  EXPECT_EQ(Ended(holding), 0);
  EXPECT_EQ(completed_, 0);
  run->Cancel();
  run->Cancel();
  const HoldReport report = ToTheEnd(*run);
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.finished(), 100);
  EXPECT_EQ(report.held(), 100);
  EXPECT_LT(report.hold_time, 1min);
}

TEST_F(HoldRunTest, MoreThanTheFdLimitAllowsGoesIntoMoreProcesses) {
  EXPECT_EXIT(HoldWithin(116, Spec(kThreads, 10ms)), ::testing::ExitedWithCode(0),
              "200 ok in 2 processes of 116 files");
}

TEST_F(HoldRunTest, TooFewProcessesForTheFdLimitIsSaidWithTheNumbers) {
  HoldSpec spec = Spec(1'000, 1s);
  spec.processes = 2;
  EXPECT_EXIT(HoldWithin(116, spec), ::testing::ExitedWithCode(0),
              "RESOURCE_EXHAUSTED: 1000 connections in 2 processes need a limit of 516 open files "
              "each, it is 116; use 10 processes, run 'ulimit -n 516' first");
}

TEST_F(HoldRunTest, ProcessesDieWithTheirParent) {
  const pid_t parent = fork();
  if (parent == 0) {
    HoldSpec spec = Spec(20, 1h);
    spec.processes = 2;
    const std::unique_ptr<HoldRun> run = Start(spec);
    while (true) pause();
  }
  EXPECT_TRUE(Eventually([&] { return server_.accepted() == 20; }));
  EXPECT_EQ(abandoned_, 0);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return abandoned_ == 20; }, 3s));  // before the server's deadlines
}

TEST_F(HoldRunTest, AProcessThatIsKilledEndsTheHoldAndTheOthersFinish) {
  HoldSpec spec = Spec(50, 1h);
  spec.processes = 2;
  const std::unique_ptr<HoldRun> run = Start(spec);
  ASSERT_TRUE(ComesTo(*run, HoldPhase::kHolding));
  std::ifstream children("/proc/thread-self/children");
  pid_t first = -1;
  ASSERT_TRUE(children >> first);
  kill(first, SIGKILL);
  const HoldReport report = ToTheEnd(*run);
  EXPECT_EQ(report.dead_processes, 1);
  EXPECT_EQ(report.finished(), 25);
  EXPECT_EQ(Count(report, Verdict::kNoLocalResource), 25);
  EXPECT_EQ(report.lost, 0);  // not the server's doing
  EXPECT_EQ(report.held(), 25);
  EXPECT_FALSE(report.cancelled);
}

TEST_F(HoldRunTest, TheDestructorClosesWhatIsHeld) {
  {
    const std::unique_ptr<HoldRun> run = Start(Spec(10, 1h));
    ASSERT_TRUE(ComesTo(*run, HoldPhase::kHolding));
  }
  EXPECT_TRUE(Eventually([&] { return abandoned_ == 10; }, 3s));
}

// Answers message 1; what comes then is up to `rest`.
handshake::test::Script Reply(handshake::test::Script rest) {
  return [rest = std::move(rest)](net::UniqueFd fd) -> net::UniqueFd {
    char text[64];
    if (recv(fd.get(), text, sizeof(text), 0) <= 0) return {};
    const std::string reply = "HELLO " + std::to_string(std::atoll(text + 6) + 1) + "\n";
    send(fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    return rest(std::move(fd));
  };
}

TEST(HoldRunFaultsTest, OwnDeadlinesDoNotRunWhileHeldAndBeginAnewBehindIt) {
  TestServer server(Reply([](net::UniqueFd fd) -> net::UniqueFd {
                      char text[64];
                      recv(fd.get(), text, sizeof(text), 0);
                      poll(nullptr, 0, 50);  // a slow server, but in time
                      return {};
                    }),
                    10);
  const HoldReport report = ToTheEnd(*Start(
      {.target = server.address(),
       .connections = 10,
       .hold = 900ms,
       .handshake = {
           .framing = wire::Framing::kLine, .step_timeout = 300ms, .handshake_timeout = 400ms}}));
  EXPECT_EQ(report.held(), 10);
  EXPECT_EQ(report.finished(), 10);
  EXPECT_GE(report.hold_time, 900ms);
  EXPECT_GE(report.finish_time, 50ms);
}

TEST(HoldRunFaultsTest, AServerThatDiesEndsTheHoldAtOnce) {
  std::atomic<bool> die{false};
  TestServer server(Reply([&](const net::UniqueFd&) -> net::UniqueFd {
                      die.wait(false);
                      return {};
                    }),
                    50);
  const std::unique_ptr<HoldRun> run =
      Start({.target = server.address(), .connections = 50, .hold = 1h, .processes = 2});
  EXPECT_TRUE(ComesTo(*run, HoldPhase::kHolding));
  die = true;
  die.notify_all();
  const HoldReport report = ToTheEnd(*run);
  EXPECT_EQ(Count(report, Verdict::kPeerGoneStep3), 50);
  EXPECT_EQ(report.opened, 50);
  EXPECT_EQ(report.lost, 50);
  EXPECT_EQ(report.held(), 0);
  EXPECT_FALSE(report.cancelled);
  EXPECT_LT(report.hold_time, 1min);
}

TEST(HoldRunFaultsTest, TheOthersAreHeldAndFinishIfSomeFailToOpen) {
  std::atomic<int> taken{0};
  const auto serve = handshake::test::Serve();
  const auto leave = handshake::test::CloseAfterHello();
  TestServer server(
      [&](net::UniqueFd fd) { return (++taken % 2 == 0 ? serve : leave)(std::move(fd)); }, 20);
  const HoldReport report =
      ToTheEnd(*Start({.target = server.address(), .connections = 40, .hold = 50ms}));
  EXPECT_EQ(report.opened, 20);
  EXPECT_EQ(report.held(), 20);
  EXPECT_EQ(report.finished(), 20);
  EXPECT_EQ(Count(report, Verdict::kPeerGoneStep2), 20);
  EXPECT_GE(report.hold_time, 50ms);
}

TEST(HoldRunFaultsTest, ADeadlineOfTheServerThatIsShorterThanTheHoldLosesAll) {
  TestServer server(handshake::test::Serve({.step_timeout = 500ms}), 20);
  const HoldReport report =
      ToTheEnd(*Start({.target = server.address(), .connections = 20, .hold = 1h, .processes = 1}));
  EXPECT_EQ(report.opened, 20);
  EXPECT_EQ(report.lost, 20);
  EXPECT_EQ(Count(report, Verdict::kPeerError), 20);  // ERROR TIMEOUT_STEP_3
}

TEST(HoldRunFaultsTest, OpeningIsPacedAndACancelOpensNoMore) {
  TestServer server(handshake::test::NeverAnswer());
  const std::unique_ptr<HoldRun> run =
      Start({.target = server.address(),
             .connections = 1'000,
             .hold = 1h,
             .processes = 1,
             .handshake = {.framing = wire::Framing::kLine, .step_timeout = 2s}});
  ASSERT_TRUE(Eventually([&] { return server.accepted() >= 64; }));
  EXPECT_FALSE(run->WaitFor(100ms));
  EXPECT_EQ(server.accepted(), 64);
  run->Cancel();
  const HoldReport report = ToTheEnd(*run);
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.opened, 0);
  EXPECT_EQ(Count(report, Verdict::kTimeoutStep2), 64);
  EXPECT_EQ(Ended(report), 64);
  EXPECT_EQ(report.hold_time, 0ns);
}

TEST(HoldRunFaultsTest, NothingIsHeldWhereNothingOpens) {
  handshake::test::DeadPort port;
  const HoldReport report =
      ToTheEnd(*Start({.target = port.address(), .connections = 3'000, .hold = 1h}));
  EXPECT_EQ(Count(report, Verdict::kConnectRefused), 3'000);
  EXPECT_EQ(report.opened, 0);
  EXPECT_EQ(report.hold_time, 0ns);
}

// The kernel accepts for it, and nobody answers.
TEST(HoldRunFaultsTest, AServerThatTakesNoMoreIsNotAskedForEver) {
  constexpr int kConnections = 3'000;
  const net::Address any = *net::Address::Parse("127.0.0.1:0");
  net::UniqueFd deaf(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(deaf.get(), any.data(), any.size()), 0);
  ASSERT_EQ(listen(deaf.get(), 4'096), 0);
  const HoldReport report =
      ToTheEnd(*Start({.target = net::Address::OfSocket(deaf.get()),
                       .connections = kConnections,
                       .hold = 1h,
                       .processes = 2,
                       .handshake = {.framing = wire::Framing::kLine, .step_timeout = 100ms}}));
  EXPECT_EQ(report.opened, 0);
  EXPECT_GT(report.failed(), 0);
  EXPECT_LE(report.failed(), 2 * 2 * 64) << "more than two rounds in each process";
  EXPECT_EQ(report.failed() + report.untried, kConnections);
}

TEST(HoldRunFaultsTest, AServerThatSaysNothingAtTheEndIsUnconfirmed) {
  std::atomic<int64_t> third{0};
  TestServer server(Reply([&](net::UniqueFd fd) {
                      char text[64];
                      if (recv(fd.get(), text, sizeof(text), 0) > 0) ++third;
                      return fd;
                    }),
                    10);
  const HoldReport report =
      ToTheEnd(*Start({.target = server.address(),
                       .connections = 10,
                       .hold = 50ms,
                       .handshake = {.framing = wire::Framing::kLine, .step_timeout = 500ms}}));
  EXPECT_EQ(third, 10);
  EXPECT_EQ(report.held(), 10);
  EXPECT_EQ(Count(report, Verdict::kUnconfirmed), 10);
}

TEST(HoldRunSpecTest, ABadSpecIsRefusedWithWhatToChange) {
  const HoldSpec good = {.target = *net::Address::Parse("127.0.0.1:7000")};
  const struct {
    std::function<void(HoldSpec&)> spoil;
    const char* says;
  } kCases[] = {
      {[](HoldSpec& spec) { spec.target.set_port(0); }, "has no port"},
      {[](HoldSpec& spec) { spec.connections = 0; }, "connections must be from 1"},
      {[](HoldSpec& spec) { spec.connections = 10'000'001; }, "connections must be from 1"},
      {[](HoldSpec& spec) { spec.hold = -1ns; }, "the hold must be from 0"},
      {[](HoldSpec& spec) { spec.hold = 61min; }, "the hold must be from 0 to 1 h"},
      {[](HoldSpec& spec) { spec.processes = 257; }, "processes must be from 1 to 256"},
      {[](HoldSpec& spec) { spec.handshake.framing = wire::Framing::kAuto; }, "line or bare"},
      {[](HoldSpec& spec) { spec.connect_timeout = 0s; }, "a timeout must be"},
      {[](HoldSpec& spec) {
         spec.target = *net::Address::Parse("[::1]:7000");
         spec.connections = 14'001;
       },
       "to [::1]:7000 at most 14000 connections"},
  };
  for (const auto& c : kCases) {
    HoldSpec spec = good;
    c.spoil(spec);
    const auto run = HoldRun::Start(spec);
    EXPECT_EQ(run.status().code(), absl::StatusCode::kInvalidArgument) << c.says;
    EXPECT_THAT(std::string(run.status().message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace handshake::client

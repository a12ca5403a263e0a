#include "client/load_run.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <utility>

#include "tests/support/fd_limit.h"
#include "tests/support/load_runs.h"
#include "tests/support/own_network.h"
#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::FdLimit;
using handshake::test::ServeOneAndLeave;
using handshake::test::Start;
using handshake::test::TestServer;
using ::testing::HasSubstr;
using wire::Clock;
using wire::Verdict;
using namespace std::chrono_literals;

int64_t Ended(const LoadReport& report) {
  return std::accumulate(report.ended.begin(), report.ended.end(), int64_t{0});
}

int64_t Count(const LoadReport& report, Verdict verdict) {
  return report.ended[static_cast<size_t>(verdict)];
}

LoadReport RunToTheEnd(const LoadSpec& spec) {
  const std::unique_ptr<LoadRun> run = Start(spec);
  EXPECT_TRUE(run->WaitFor(60s));
  const LoadReport report = run->Report();
  EXPECT_TRUE(report.done);
  EXPECT_EQ(report.started, Ended(report) + report.in_flight);
  EXPECT_EQ(report.handshake.count(), report.ok());
  EXPECT_EQ(report.connect.count(), report.ok());
  EXPECT_EQ(Count(report, Verdict::kNone), 0);
  return report;
}

// The accounting is checked on the way.
bool ReportComesTo(const LoadRun& run, const std::function<bool(const LoadReport&)>& condition) {
  return handshake::test::ReportComesTo(run, [&](const LoadReport& report) {
    EXPECT_EQ(report.started, Ended(report) + report.in_flight);
    EXPECT_GE(report.in_flight, 0);
    EXPECT_LE(report.in_flight, run.spec().concurrency);
    return condition(report);
  });
}

TEST(LoadRunTest, CountIsExactWithManyThreadsAndClients) {
  std::atomic<int64_t> completed{0};
  TestServer server(handshake::test::Serve(
      {}, [&](Verdict verdict) { completed += verdict == Verdict::kOk ? 1 : 0; }));
  const LoadReport report =
      RunToTheEnd({.target = server.address(), .concurrency = 50, .count = 3'001, .threads = 4});
  EXPECT_EQ(report.started, 3'001);
  EXPECT_EQ(report.ok(), 3'001);
  EXPECT_EQ(report.failed(), 0);
  EXPECT_EQ(report.in_flight, 0);
  EXPECT_EQ(report.left_out.started, 1);
  EXPECT_EQ(report.left_out.ended[static_cast<size_t>(Verdict::kOk)], 1);
  EXPECT_EQ(completed, 3'002);
  EXPECT_EQ(server.accepted(), 3'002);
  EXPECT_FALSE(report.cancelled);
  EXPECT_GT(report.cpu, 0ns);
  EXPECT_LE(report.peak_connections, 50);
  EXPECT_GT(report.handshake.AtPercentile(50), 0);
  EXPECT_GE(report.handshake.Max(), report.connect.Max());
}

TEST(LoadRunTest, ACountBelowTheConcurrencyIsKeptToo) {
  TestServer server(handshake::test::Serve());
  const LoadReport report =
      RunToTheEnd({.target = server.address(), .concurrency = 20, .count = 3, .threads = 3});
  EXPECT_EQ(report.started, 3);
  EXPECT_EQ(report.ok(), 3);
}

TEST(LoadRunTest, EachHandshakeUsesTheNextNumberAndWrapsAtTheLargest) {
  std::mutex mutex;
  std::multiset<std::string> hellos;
  TestServer server(handshake::test::BehindProof([&](net::UniqueFd fd) -> net::UniqueFd {
    char text[64];
    const ssize_t n = recv(fd.get(), text, sizeof(text), 0);
    std::lock_guard lock(mutex);
    hellos.emplace(text, n > 0 ? static_cast<size_t>(n) : 0);
    return {};
  }));
  RunToTheEnd(
      {.target = server.address(), .concurrency = 2, .count = 4, .first_sequence = INT64_MAX - 3});
  const std::multiset<std::string> expected = {
      "HELLO 9223372036854775804\n", "HELLO 9223372036854775805\n", "HELLO -9223372036854775808\n",
      "HELLO -9223372036854775807\n"};
  std::lock_guard lock(mutex);
  EXPECT_EQ(hellos, expected);
}

TEST(LoadRunTest, ADurationEndsTheRunAndLeavesNothingInFlight) {
  TestServer server(handshake::test::Serve());
  const LoadReport report =
      RunToTheEnd({.target = server.address(), .concurrency = 8, .duration = 200ms});
  EXPECT_GE(report.elapsed, 200ms);
  EXPECT_LT(report.elapsed, 1'200ms);
  EXPECT_GT(report.ok(), 0);
  EXPECT_EQ(report.ok(), report.started);
  EXPECT_FALSE(report.cancelled);
}

TEST(LoadRunTest, WhatIsStuckAtTheEndIsResetAfterTheGraceAndStaysInFlight) {
  TestServer server(handshake::test::BehindProof(handshake::test::NeverAnswer()));
  const LoadReport report =
      RunToTheEnd({.target = server.address(), .concurrency = 10, .duration = 50ms});
  EXPECT_EQ(report.started, 10);
  EXPECT_EQ(report.in_flight, 10);
  EXPECT_EQ(report.peak_connections, 10);
  EXPECT_GE(report.elapsed, 1'000ms);
  EXPECT_LT(report.elapsed, 4s);
}

TEST(LoadRunTest, OwnDeadlinesHoldDuringTheGrace) {
  TestServer server(handshake::test::BehindProof(handshake::test::NeverAnswer()));
  const LoadReport report =
      RunToTheEnd({.target = server.address(),
                   .concurrency = 5,
                   .duration = 10ms,
                   .handshake = {.framing = wire::Framing::kLine, .step_timeout = 100ms}});
  EXPECT_EQ(report.started, 5);
  EXPECT_EQ(Count(report, Verdict::kTimeoutStep2), 5);
  EXPECT_EQ(report.in_flight, 0);
}

TEST(LoadRunTest, CancelEndsALongRunEarly) {
  TestServer server(handshake::test::Serve());
  const std::unique_ptr<LoadRun> run =
      Start({.target = server.address(), .concurrency = 4, .duration = 1h, .threads = 2});
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.ok() >= 20; }));
  EXPECT_FALSE(run->Report().done);
  run->Cancel();
  run->Cancel();
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.in_flight, 0);
  EXPECT_EQ(report.ok(), report.started);
  EXPECT_EQ(run->Report().elapsed, report.elapsed);
}

TEST(LoadRunTest, CancelBehindTheEndChangesNothing) {
  TestServer server(handshake::test::Serve());
  const std::unique_ptr<LoadRun> run = Start({.target = server.address(), .count = 1});
  ASSERT_TRUE(run->WaitFor(30s));
  run->Cancel();
  EXPECT_FALSE(run->Report().cancelled);
}

TEST(LoadRunTest, TheDestructorEndsARunningRun) {
  TestServer server(handshake::test::Serve());
  Start({.target = server.address(), .concurrency = 4, .duration = 1h}).reset();
}

TEST(LoadRunTest, EveryFaultOfAServerHasItsVerdict) {
  using namespace handshake::test;
  const struct {
    Script script;
    Verdict verdict;
  } kCases[] = {
      {ResetAfterHello(), Verdict::kPeerResetStep2},
      {CloseAfterHello(), Verdict::kPeerGoneStep2},
      {CloseBehindReply(), Verdict::kPeerGoneStep3},
      {ResetAtTheEnd(), Verdict::kUnconfirmed},
      {Answer("HELLO 7\n"), Verdict::kMismatch},
      {Answer("ERROR SHED come back later\n"), Verdict::kPeerError},
      {Garbage(64 * 1024), Verdict::kOversize},
      {ByteAtATime(), Verdict::kOk},
  };
  for (const auto& c : kCases) {
    TestServer server(BehindProof(c.script));
    const LoadReport report = RunToTheEnd({.target = server.address(),
                                           .concurrency = 5,
                                           .count = 40,
                                           .threads = 2,
                                           .first_sequence = 100});
    EXPECT_EQ(Count(report, c.verdict), 40) << wire::VerdictName(c.verdict);
    EXPECT_EQ(report.failed(), c.verdict == Verdict::kOk ? 0 : 40);
  }
}

TEST(LoadRunTest, BareFramingServesATeachingPeer) {
  TestServer server(handshake::test::Teaching());
  const LoadReport report = RunToTheEnd({.target = server.address(),
                                         .concurrency = 4,
                                         .count = 100,
                                         .handshake = {.framing = wire::Framing::kBare}});
  EXPECT_EQ(report.ok(), 100);
}

TEST(LoadRunTest, ADeadTargetIsRefusedWithoutASpin) {
  TestServer server(ServeOneAndLeave(server));
  const std::unique_ptr<LoadRun> run =
      Start({.target = server.address(), .concurrency = 4, .duration = 550ms});
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_EQ(Count(report, Verdict::kConnectRefused), report.started);
  EXPECT_GE(report.started, 8);
  EXPECT_LE(report.started, 4 * 6);  // one at once, one each 100 ms
  EXPECT_EQ(report.peak_connections, 0);
}

// A listener with a full accept queue drops what comes: the connection is never established.
TEST(LoadRunTest, AConnectThatIsNotAnsweredTimesOut) {
  const bool permitted = handshake::test::InOwnNetwork([] {
    net::UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const net::Address any = net::Address::FromIpv4(INADDR_LOOPBACK, 0);
    ASSERT_EQ(bind(listener.get(), any.data(), any.size()), 0);
    ASSERT_EQ(listen(listener.get(), 0), 0);
    std::thread proof(
        [&] { handshake::test::Serve()(net::UniqueFd(accept(listener.get(), nullptr, nullptr))); });
    const LoadReport report =
        RunToTheEnd({.target = net::Address::OfSocket(listener.get()),
                     .concurrency = 5,
                     .count = 5,
                     .handshake = {.framing = wire::Framing::kLine, .step_timeout = 100ms},
                     .connect_timeout = 100ms});
    proof.join();
    EXPECT_GE(Count(report, Verdict::kConnectTimeout), 3);
    EXPECT_EQ(Count(report, Verdict::kConnectTimeout) + Count(report, Verdict::kTimeoutStep2), 5);
  });
  if (!permitted) GTEST_SKIP() << "needs the right to make a network namespace";
}

TEST(LoadRunTest, ATargetThatDoesNotSpeakTheProtocolSeesTenConnects) {
  using namespace handshake::test;
  const struct {
    Script script;
    Verdict verdict;
  } kCases[] = {
      {ResetAfterHello(), Verdict::kPeerResetStep2},
      {CloseAfterHello(), Verdict::kPeerGoneStep2},
      {Answer("HELLO 7\n"), Verdict::kMismatch},
      {Answer("ERROR SHED come back later\n"), Verdict::kPeerError},
      {Garbage(64 * 1024), Verdict::kOversize},
      {NeverAnswer(), Verdict::kTimeoutStep2},
  };
  for (const auto& c : kCases) {
    TestServer server(c.script);
    LoadSpec spec = {.target = server.address(),
                     .concurrency = 50,
                     .duration = 1h,
                     .threads = 2,
                     .first_sequence = 100};
    spec.handshake.step_timeout = 50ms;
    const LoadReport report = RunToTheEnd(spec);
    EXPECT_EQ(server.accepted(), 10) << wire::VerdictName(c.verdict);
    EXPECT_EQ(Count(report, c.verdict), 10);
    EXPECT_EQ(report.started, 10);
    EXPECT_EQ(report.elapsed, 0ns);
    EXPECT_EQ(report.given_up,
              "no correct answer from " + server.address().ToString() + " in 10 connects");
    EXPECT_FALSE(report.cancelled);
  }
}

// What follows HELLO X+1 is the run's to judge.
TEST(LoadRunTest, ACorrectAnswerIsProofWhateverFollows) {
  TestServer server(handshake::test::CloseBehindReply());
  const LoadReport report = RunToTheEnd({.target = server.address(), .count = 5});
  EXPECT_EQ(report.left_out.started, 1);
  EXPECT_EQ(report.left_out.ended[static_cast<size_t>(Verdict::kPeerGoneStep3)], 1);
  EXPECT_EQ(Count(report, Verdict::kPeerGoneStep3), 5);
  EXPECT_EQ(report.given_up, "");
}

TEST(LoadRunTest, CancelCutsTheProof) {
  TestServer server(handshake::test::NeverAnswer());
  LoadSpec spec = {.target = server.address(), .duration = 1h};
  spec.handshake.step_timeout = 1h;
  const std::unique_ptr<LoadRun> run = Start(spec);
  ASSERT_TRUE(ReportComesTo(*run, [&](const LoadReport&) { return server.accepted() == 1; }));
  run->Cancel();
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.given_up, "");
  EXPECT_EQ(report.started, 1);
  EXPECT_EQ(report.in_flight, 1);
}

// The one test that waits for the five seconds; StopRulesTest has the rest.
TEST(LoadRunTest, AServerThatLeavesStopsARunWithoutAnEnd) {
  TestServer server(handshake::test::Serve());
  const std::unique_ptr<LoadRun> run =
      Start({.target = server.address(), .concurrency = 4, .duration = 1h});
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.ok() >= 20; }));
  server.Leave();
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_EQ(report.given_up, "no correct answer from " + server.address().ToString() + " for 5 s");
  EXPECT_EQ(report.events.back().text, "stopped: " + report.given_up);
  EXPECT_FALSE(report.cancelled);
  EXPECT_GT(Count(report, Verdict::kConnectRefused), 0);
}

TEST(LoadRunTest, AServerThatIsBackInTimeIsLoadedOn) {
  TestServer server(handshake::test::Serve());
  const std::unique_ptr<LoadRun> run =
      Start({.target = server.address(), .concurrency = 4, .duration = 1h});
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.ok() >= 20; }));
  server.Leave();
  int64_t ok = 0;
  ASSERT_TRUE(ReportComesTo(*run, [&](const LoadReport& report) {
    ok = report.ok();
    return Count(report, Verdict::kConnectRefused) >= 8;
  }));
  server.Return();
  EXPECT_TRUE(ReportComesTo(*run, [&](const LoadReport& report) { return report.ok() > ok + 8; }));
  run->Cancel();
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_EQ(report.given_up, "");
  EXPECT_EQ(report.started, Ended(report) + report.in_flight);
}

TEST(LoadRunTest, RunningOutOfPortsIsAnOwnError) {
  const bool permitted = handshake::test::InOwnNetwork([] {
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40009";
    TestServer server(handshake::test::BehindProof(handshake::test::NeverAnswer()));
    const std::unique_ptr<LoadRun> run = Start(
        {.target = server.address(), .concurrency = 30, .duration = 1h, .source_addresses = 1});
    ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) {
      return Count(report, Verdict::kNoLocalResource) >= 40;
    }));
    run->Cancel();
    ASSERT_TRUE(run->WaitFor(30s));
    const LoadReport report = run->Report();
    EXPECT_EQ(report.in_flight, report.peak_connections);
    EXPECT_GE(report.peak_connections, 5);
    EXPECT_LE(report.peak_connections, 10);
    EXPECT_EQ(Count(report, Verdict::kNoLocalResource), report.failed());
    EXPECT_EQ(report.judgement.bottleneck, Bottleneck::kGenerator);
    EXPECT_THAT(report.judgement.why, HasSubstr("found no port"));
  });
  if (!permitted) GTEST_SKIP() << "needs the right to make a network namespace";
}

TEST(LoadRunTest, RunningOutOfDescriptorsIsAnOwnErrorAndPasses) {
  TestServer server(handshake::test::Serve());
  const std::unique_ptr<LoadRun> run =
      Start({.target = server.address(), .concurrency = 4, .duration = 1h});
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.ok() > 0; }));
  int64_t ok = 0;
  {
    FdLimit none(0);
    ASSERT_TRUE(ReportComesTo(*run, [&](const LoadReport& report) {
      ok = report.ok();
      return Count(report, Verdict::kNoLocalResource) >= 8;
    }));
  }
  EXPECT_TRUE(ReportComesTo(*run, [&](const LoadReport& report) { return report.ok() > ok + 8; }));
  run->Cancel();
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_EQ(report.failed(), Count(report, Verdict::kNoLocalResource));
}

TEST(LoadRunTest, TooLowADescriptorLimitIsSaidBeforeTheStart) {
  FdLimit low(200);
  const auto run = LoadRun::Start(
      {.target = *net::Address::Parse("127.0.0.1:7000"), .concurrency = 500, .count = 1});
  ASSERT_EQ(run.status().code(), absl::StatusCode::kResourceExhausted);
  const std::string message(run.status().message());
  EXPECT_THAT(message, HasSubstr("500 connections at once need a limit of"));
  EXPECT_THAT(message, HasSubstr("it is 200; run 'ulimit -n "));
}

TEST(LoadRunTest, ABadSpecIsRefusedWithWhatToChange) {
  const LoadSpec good = {.target = *net::Address::Parse("127.0.0.1:7000"), .count = 1};
  const struct {
    std::function<void(LoadSpec&)> spoil;
    const char* says;
  } kCases[] = {
      {[](LoadSpec& spec) { spec.target.set_port(0); }, "has no port"},
      {[](LoadSpec& spec) { spec.concurrency = 0; }, "concurrency must be from 1"},
      {[](LoadSpec& spec) { spec.concurrency = 1'000'001; }, "concurrency must be from 1"},
      {[](LoadSpec& spec) { spec.count.reset(); }, "a duration, a count, or both"},
      {[](LoadSpec& spec) { spec.count = 0; }, "count must be at least 1"},
      {[](LoadSpec& spec) { spec.duration = 0s; }, "duration must be above 0"},
      {[](LoadSpec& spec) { spec.duration = 24h * 31; }, "at most 720 h"},
      {[](LoadSpec& spec) { spec.threads = -1; }, "threads must be from 1"},
      {[](LoadSpec& spec) { spec.source_addresses = 10'001; }, "source addresses must be"},
      {[](LoadSpec& spec) { spec.first_sequence = INT64_MAX; }, "first sequence must be at most"},
      {[](LoadSpec& spec) { spec.handshake.framing = wire::Framing::kAuto; }, "line or bare"},
      {[](LoadSpec& spec) { spec.connect_timeout = 0s; }, "a timeout must be"},
      {[](LoadSpec& spec) { spec.handshake.step_timeout = 61min; }, "a timeout must be"},
  };
  for (const auto& c : kCases) {
    LoadSpec spec = good;
    c.spoil(spec);
    const auto run = LoadRun::Start(spec);
    EXPECT_EQ(run.status().code(), absl::StatusCode::kInvalidArgument) << c.says;
    EXPECT_THAT(std::string(run.status().message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace handshake::client

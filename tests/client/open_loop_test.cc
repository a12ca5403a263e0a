// Load runs of an open loop, and the rests of a closed one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "client/load_run.h"
#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::TestServer;
using ::testing::HasSubstr;
using wire::Verdict;
using namespace std::chrono_literals;

std::unique_ptr<LoadRun> Start(const LoadSpec& spec) {
  absl::StatusOr<std::unique_ptr<LoadRun>> run = LoadRun::Start(spec);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? *std::move(run) : nullptr;
}

void ExpectAccounted(const LoadReport& report) {
  EXPECT_EQ(report.started, report.ok() + report.failed() + report.in_flight);
  EXPECT_GE(report.planned, report.started + report.dropped);
  EXPECT_EQ(report.send_lag.count(), report.started);
  EXPECT_EQ(report.intended.count(), report.ok());
  EXPECT_EQ(report.handshake.count(), report.ok());
}

LoadReport RunToTheEnd(const LoadSpec& spec) {
  const std::unique_ptr<LoadRun> run = Start(spec);
  EXPECT_TRUE(run->WaitFor(60s));
  const LoadReport report = run->Report();
  if (spec.open) ExpectAccounted(report);
  return report;
}

LoadSpec OpenSpec(const net::Address& target, const OpenLoop& open) {
  LoadSpec spec;
  spec.target = target;
  spec.open = open;
  return spec;
}

TEST(OpenLoopTest, ACountIsExactOverAllThreads) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 20'000, .max_in_flight = 1'000});
  spec.count = 1'001;
  spec.threads = 4;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.ok(), 1'001);
  EXPECT_EQ(report.planned, report.started + report.dropped);
  EXPECT_EQ(server.accepted(), 1'001);
}

// 100 times are planned in 100 ms, however late this machine is.
TEST(OpenLoopTest, WhatFindsNoFreePlaceIsDroppedAndCounted) {
  TestServer server(handshake::test::NeverAnswer());
  LoadSpec spec =
      OpenSpec(server.address(), {.rate = 1'000, .arrivals = Arrivals::kEven, .max_in_flight = 5});
  spec.duration = 100ms;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.planned, 100);
  EXPECT_EQ(report.started, 5);
  EXPECT_EQ(report.in_flight, 5);
  EXPECT_EQ(report.dropped + report.unsent(), 95);
  EXPECT_GE(report.dropped, 59) << "of a turn's 64 only 5 found a place";
}

// 20,000 in 20 ms: nobody can, and nothing is forgotten.
TEST(OpenLoopTest, EveryArrivalOfTheDurationIsPlannedHoweverLate) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(),
                           {.rate = 1'000'000, .arrivals = Arrivals::kEven, .max_in_flight = 10});
  spec.duration = 20ms;
  spec.threads = 2;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.planned, 20'000);
  EXPECT_GT(report.dropped + report.unsent(), 0);
}

// The server lets nobody go on before the 20th is there. A client that waits for the first answer
// before it begins the next would wait for ever; and the first one's latency spans the intended
// starts of the other 19.
TEST(OpenLoopTest, AStalledServerStallsNoArrivalAndCannotHide) {
  std::atomic<int> arrived{0};
  const handshake::test::Script serve = handshake::test::Serve();
  TestServer server(
      [&](net::UniqueFd fd) {
        ++arrived;
        for (int seen = arrived; seen < 20; seen = arrived) arrived.wait(seen);
        arrived.notify_all();
        return serve(std::move(fd));
      },
      20);
  LoadSpec spec = OpenSpec(server.address(), {.rate = 1'000, .arrivals = Arrivals::kEven});
  spec.count = 20;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.ok(), 20);
  EXPECT_GE(report.intended.Max(), 19'000);
}

// Each latency from the intended start is the raw one and the lag, so their means are.
TEST(OpenLoopTest, LatencyCountsFromTheIntendedStart) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 1'000'000, .max_in_flight = 10'000});
  spec.count = 5'000;  // in 5 ms: nobody can, so it lags
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.ok(), 5'000);
  const double sum = report.handshake.Mean() + report.send_lag.Mean();
  EXPECT_NEAR(report.intended.Mean(), sum, 5 + sum / 100);
  EXPECT_GT(report.send_lag.Mean(), 1'000);
}

TEST(OpenLoopTest, ADeadTargetIsAskedAtThePlannedRate) {
  handshake::test::DeadPort port;
  LoadSpec spec = OpenSpec(port.address(), {.rate = 500, .arrivals = Arrivals::kEven});
  spec.duration = 200ms;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.planned, 100);
  EXPECT_EQ(report.failed(), report.started);
  EXPECT_EQ(report.dropped, 0);
}

TEST(OpenLoopTest, CancelEndsItAndWhatWasDueStaysPlanned) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 2'000});
  spec.duration = 1h;
  const std::unique_ptr<LoadRun> run = Start(spec);
  while (run->Report().ok() < 50) ASSERT_FALSE(run->WaitFor(1ms));
  run->Cancel();
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_TRUE(report.cancelled);
  ExpectAccounted(report);
  EXPECT_LT(report.planned, 2'000 * 3'600);
}

TEST(OpenLoopTest, MostInFlightIsChosenFromTheRateAndTheDescriptorLimit) {
  TestServer server(handshake::test::Serve());
  const auto chosen = [&](double rate) {
    LoadSpec spec = OpenSpec(server.address(), {.rate = rate});
    spec.count = 1;
    return Start(spec)->spec().open->max_in_flight;
  };
  EXPECT_EQ(chosen(1), 100);
  EXPECT_EQ(chosen(700.5), 701);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low = {.rlim_cur = 300, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  EXPECT_LT(chosen(1'000), 300);
  EXPECT_GT(chosen(1'000), 100);
  LoadSpec spec = OpenSpec(server.address(), {.rate = 1, .max_in_flight = 500});
  spec.count = 1;
  const auto refused = LoadRun::Start(spec);
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("or lower the most in flight"));
}

TEST(OpenLoopTest, ABadSpecIsRefusedWithWhatToChange) {
  const struct {
    OpenLoop open;
    const char* says;
  } kCases[] = {
      {{.rate = 0}, "rate must be above 0"},
      {{.rate = -1}, "rate must be above 0"},
      {{.rate = 1'000'001}, "at most 1e+06 a second"},
      {{.rate = std::numeric_limits<double>::quiet_NaN()}, "rate must be above 0"},
      {{.rate = std::numeric_limits<double>::infinity()}, "rate must be above 0"},
      {{.rate = 1, .max_in_flight = -1}, "most in flight must be from 1"},
      {{.rate = 1, .max_in_flight = 1'000'001}, "most in flight must be from 1"},
  };
  for (const auto& c : kCases) {
    LoadSpec spec = OpenSpec(*net::Address::Parse("127.0.0.1:7000"), c.open);
    spec.count = 1;
    const auto run = LoadRun::Start(spec);
    EXPECT_EQ(run.status().code(), absl::StatusCode::kInvalidArgument) << c.says;
    EXPECT_THAT(std::string(run.status().message()), HasSubstr(c.says));
  }
}

TEST(ThinkTimeTest, AClientRestsBetweenHandshakesButNotBehindTheLast) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.count = 3;
  spec.think_time = 50ms;
  EXPECT_GE(RunToTheEnd(spec).elapsed, 100ms);
  spec.concurrency = 2;
  spec.count = 2;
  spec.think_time = 1h;
  EXPECT_EQ(RunToTheEnd(spec).ok(), 2);
}

TEST(ThinkTimeTest, ABadOneIsRefused) {
  LoadSpec spec;
  spec.target = *net::Address::Parse("127.0.0.1:7000");
  spec.count = 1;
  for (const std::chrono::nanoseconds think :
       {std::chrono::nanoseconds(-1ns), 3'601'000'000'000ns}) {
    spec.think_time = think;
    const auto run = LoadRun::Start(spec);
    EXPECT_THAT(std::string(run.status().message()), HasSubstr("think time must be from 0 to 1 h"));
  }
}

}  // namespace
}  // namespace handshake::client

// Load runs of an open loop, and the rests of a closed one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/load_run.h"
#include "tests/support/load_runs.h"
#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::ServeOneAndLeave;
using handshake::test::Start;
using handshake::test::TestServer;
using ::testing::HasSubstr;
using wire::Verdict;
using namespace std::chrono_literals;

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
  LoadSpec spec = OpenSpec(server.address(), {.rate = 20'000, .max_in_flight = 500});
  spec.count = 1'001;
  spec.threads = 4;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.ok(), 1'001);
  EXPECT_EQ(report.planned, report.started + report.dropped);
  EXPECT_EQ(server.accepted(), 1'002);
}

// 100 times are planned in 100 ms, however late this machine is.
TEST(OpenLoopTest, WhatFindsNoFreePlaceIsDroppedAndCounted) {
  TestServer server(handshake::test::BehindProof(handshake::test::NeverAnswer()));
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
  LoadSpec spec = OpenSpec(server.address(), {.rate = 1'000'000, .arrivals = Arrivals::kEven});
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
  TestServer server(handshake::test::BehindProof([&](net::UniqueFd fd) {
                      ++arrived;
                      for (int seen = arrived; seen < 20; seen = arrived) arrived.wait(seen);
                      arrived.notify_all();
                      return serve(std::move(fd));
                    }),
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
  LoadSpec spec = OpenSpec(server.address(), {.rate = 1'000'000});
  spec.count = 5'000;  // in 5 ms: nobody can, so it lags
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.ok(), 5'000);
  const double sum = report.handshake.Mean() + report.send_lag.Mean();
  EXPECT_NEAR(report.intended.Mean(), sum, 5 + sum / 100);
  EXPECT_GT(report.send_lag.Mean(), 1'000);
}

// 0 to 500/s in 200 ms, then as much back: 50 and 50.
TEST(OpenLoopTest, StagesPlanTheAreaBelowTheirRateAndEndTheRun) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.stages = {{200ms, 0, 500}, {200ms, 500, 0}},
                                              .arrivals = Arrivals::kEven});
  const std::unique_ptr<LoadRun> run = Start(spec);
  EXPECT_EQ(run->spec().duration, 400ms);
  EXPECT_EQ(run->spec().open->max_in_flight, 500) << "a second of its highest rate";
  ASSERT_TRUE(run->WaitFor(60s));
  const LoadReport report = run->Report();
  EXPECT_EQ(report.planned, 100);
  EXPECT_GE(report.elapsed, 400ms);
  ExpectAccounted(report);
}

// Planned are 0, 1, ... 199 ms.
TEST(WarmupTest, WhatWasPlannedInItIsLeftOut) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 1'000, .arrivals = Arrivals::kEven});
  spec.duration = 200ms;
  spec.warmup = 149'500us;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.planned, 50);
  EXPECT_EQ(report.left_out.started, server.accepted() - report.started);
  EXPECT_EQ(report.left_out.ended[static_cast<size_t>(wire::Verdict::kOk)],
            report.left_out.started);
  EXPECT_GT(report.left_out.started, 0);
  EXPECT_GE(report.measured, 50'500us);
  EXPECT_EQ(report.measured, report.elapsed - spec.warmup);
}

TEST(WarmupTest, DropsInItAreLeftOutToo) {
  TestServer server(handshake::test::BehindProof(handshake::test::NeverAnswer()));
  LoadSpec spec =
      OpenSpec(server.address(), {.rate = 1'000, .arrivals = Arrivals::kEven, .max_in_flight = 5});
  spec.duration = 100ms;
  spec.warmup = 49'500us;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.planned, 50);
  EXPECT_LE(report.dropped, 50);
  EXPECT_LE(report.in_flight, report.started);
}

TEST(WarmupTest, ARunThatEndsInItHasMeasuredNothing) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.concurrency = 4;
  spec.count = 50;
  spec.warmup = 1h;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(server.accepted(), 51);
  EXPECT_EQ(report.started, 0);
  EXPECT_EQ(report.left_out.started, 51);
  EXPECT_EQ(report.left_out.in_flight, 0);
  EXPECT_EQ(report.handshake.count(), 0);
  EXPECT_EQ(report.measured, 0ns);
  EXPECT_EQ(report.cpu, 0ns);
}

TEST(WarmupTest, ABadOneIsRefused) {
  LoadSpec spec;
  spec.target = *net::Address::Parse("127.0.0.1:7000");
  spec.duration = 1s;
  for (const std::chrono::nanoseconds warmup : {std::chrono::nanoseconds(-1ns), 1'000'000'000ns}) {
    spec.warmup = warmup;
    EXPECT_THAT(std::string(LoadRun::Start(spec).status().message()), HasSubstr("warm-up must be"));
  }
}

// A listener that accepts nothing, with room for one.
net::UniqueFd ListenForOne() {
  net::UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const net::Address any = *net::Address::Parse("127.0.0.1:0");
  EXPECT_EQ(bind(listener.get(), any.data(), any.size()), 0);
  EXPECT_EQ(listen(listener.get(), 0), 0);
  return listener;
}

std::vector<Condition> Conditions(const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) conditions.push_back(*ParseCondition(text));
  return conditions;
}

TEST(ConditionsTest, WhatHeldAtTheEndOrCannotBeToldIsABreach) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.count = 10;
  spec.fail_if = Conditions({"errors > 0", "p99 > 1h", "max < 1h", "dropped < 1%", "rate < 0"});
  const LoadReport report = RunToTheEnd(spec);
  ASSERT_EQ(report.breaches.size(), 2);
  EXPECT_THAT(report.breaches[0], HasSubstr("max < 1h: it is "));
  EXPECT_EQ(report.breaches[1], "dropped < 1%: nothing was measured");
  EXPECT_EQ(report.stopped_by, "");
}

TEST(ConditionsTest, AStopConditionEndsTheRunEarly) {
  TestServer server(ServeOneAndLeave(server));
  LoadSpec spec = OpenSpec(server.address(), {.rate = 100});
  spec.duration = 1h;
  spec.stop_if = Conditions({"p99 > 1h", "errors >= 50%"});
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.stopped_by, "errors >= 50%: it is 100%");
  EXPECT_FALSE(report.cancelled);
  EXPECT_LT(report.elapsed, 1min);
  EXPECT_TRUE(report.breaches.empty());
}

// Nothing ends, so only the rate can tell; and not before the warm-up is over.
TEST(ConditionsTest, AStopConditionLooksAtWholeSecondsBehindTheWarmup) {
  TestServer server(handshake::test::BehindProof(handshake::test::NeverAnswer()));
  LoadSpec spec = OpenSpec(server.address(), {.rate = 100});
  spec.duration = 1h;
  spec.warmup = 1'500ms;
  spec.stop_if = Conditions({"p99 > 0ms", "errors > 0%", "rate < 1"});
  spec.handshake.step_timeout = 1min;
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.stopped_by, "rate < 1: it is 0");
  EXPECT_GE(report.measured, 1s);
}

TEST(ConditionsTest, AStopConditionThatDoesNotHoldDoesNothing) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 200});
  spec.duration = 2'200ms;
  spec.stop_if = Conditions({"errors > 0", "p50 > 1h"});
  const LoadReport report = RunToTheEnd(spec);
  EXPECT_EQ(report.stopped_by, "");
  EXPECT_GE(report.elapsed, 2'200ms);
}

TEST(ConditionsTest, AWindowThatHeldFailsTheRunAndOneThatDidNotDoesNot) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 200});
  spec.duration = 2s;
  spec.fail_if = Conditions({"rate < 150 over 2s", "rate < 1000000 over 1s", "p50 > 1h over 1s"});
  const LoadReport report = RunToTheEnd(spec);
  ASSERT_EQ(report.breaches.size(), 1);
  EXPECT_THAT(report.breaches[0], HasSubstr("rate < 1000000 over 1s: it is "));
  EXPECT_THAT(report.breaches[0], HasSubstr("the first of 2 windows"));
}

TEST(ConditionsTest, ARunTooShortForAWindowIsRefused) {
  LoadSpec spec = OpenSpec(*net::Address::Parse("127.0.0.1:1"), {.rate = 200});
  spec.duration = 3s;
  spec.warmup = 1'500ms;
  spec.fail_if = Conditions({"p99 > 5ms over 2s"});
  EXPECT_THAT(std::string(LoadRun::Start(spec).status().message()),
              HasSubstr("'p99 > 5ms over 2s' needs a duration of at least that"));
  spec.fail_if.clear();
  spec.stop_if = Conditions({"p99 > 5ms over 2s"});
  EXPECT_THAT(std::string(LoadRun::Start(spec).status().message()),
              HasSubstr("'p99 > 5ms over 2s' is judged each 2s behind the warm-up"));
}

// The kernel sends a SYN again that found an accept queue full, a second later.
TEST(MachineTest, SegmentsSentAgainAreCounted) {
  const net::UniqueFd full = ListenForOne();
  LoadSpec spec = OpenSpec(net::Address::OfSocket(full.get()), {.rate = 100});
  spec.duration = 1h;
  std::thread proof(
      [&] { handshake::test::Serve()(net::UniqueFd(accept(full.get(), nullptr, nullptr))); });
  const std::unique_ptr<LoadRun> run = Start(spec);
  proof.join();
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (run->Report().retransmitted_syns == 0 && std::chrono::steady_clock::now() < deadline) {
    run->WaitFor(20ms);
  }
  EXPECT_GT(run->Report().retransmitted_syns, 0);
  EXPECT_GT(run->Report().retransmitted_segments, 0);
  EXPECT_LT(run->Report().stolen_cpu_share, 1);
}

TEST(ConditionsTest, CancelEndsARunThatIsWatched) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = OpenSpec(server.address(), {.rate = 200});
  spec.duration = 1h;
  spec.stop_if = Conditions({"errors > 0"});
  const std::unique_ptr<LoadRun> run = Start(spec);
  run->Cancel();
  ASSERT_TRUE(run->WaitFor(30s));
  EXPECT_TRUE(run->Report().cancelled);
  EXPECT_EQ(run->Report().stopped_by, "");
}

// The server withholds one message of a handshake for 20 ms: they lie in one phase, not in the
// other. Latencies are exact to 0.1 %.
class PhaseTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kHeld{20};
  static constexpr int64_t kHeldUs = 19'500;

  // Plays the server, held back before the step with this number.
  static LoadReport RunHeldAt(int step) {
    TestServer server([step](net::UniqueFd fd) -> net::UniqueFd {
      char message[64];
      EXPECT_GT(recv(fd.get(), message, sizeof(message), 0), 0);
      if (step == 2) Hold();
      EXPECT_EQ(send(fd.get(), "HELLO 2\n", 8, MSG_NOSIGNAL), 8);
      EXPECT_GT(recv(fd.get(), message, sizeof(message), 0), 0);
      if (step == 3) Hold();
      return {};
    });
    LoadSpec spec;
    spec.target = server.address();
    spec.count = 1;
    const LoadReport report = RunToTheEnd(spec);
    EXPECT_EQ(report.ok(), 1);
    return report;
  }

 private:
  static void Hold() {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, kHeld, [] { return false; });
  }
};

TEST_F(PhaseTest, TheReplyPhaseEndsWithMessage2) {
  const LoadReport report = RunHeldAt(2);
  EXPECT_GE(report.reply.Min(), kHeldUs);
  EXPECT_LE(report.close.Max(), report.handshake.Max() - kHeldUs);
  EXPECT_LE(report.connect.Max(), report.handshake.Max() - kHeldUs);
}

TEST_F(PhaseTest, TheClosePhaseBeginsWithMessage3) {
  const LoadReport report = RunHeldAt(3);
  EXPECT_GE(report.close.Min(), kHeldUs);
  EXPECT_LE(report.reply.Max(), report.handshake.Max() - kHeldUs);
  EXPECT_LE(report.connect.Max(), report.handshake.Max() - kHeldUs);
}

TEST(OpenLoopTest, ADeadTargetIsAskedAtThePlannedRate) {
  TestServer server(ServeOneAndLeave(server));
  LoadSpec spec = OpenSpec(server.address(), {.rate = 500, .arrivals = Arrivals::kEven});
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
      {{.rate = 1, .stages = {{1s, 1, 1}}}, "stages or a rate, not both"},
      {{.stages = {{1s, 0, 0}}}, "one stage at least must have a rate above 0"},
      {{.stages = {{0s, 1, 1}}}, "a stage lasts longer than 0"},
      {{.stages = {{1s, 1, 2'000'000}}}, "column 7: '2000000' is not a rate"},
      {{.stages = std::vector<RateStage>(101, {1s, 1, 1})}, "at most 100 stages"},
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
  LoadSpec spec = OpenSpec(*net::Address::Parse("127.0.0.1:7000"), {.stages = {{1s, 1, 1}}});
  spec.duration = 2s;
  EXPECT_THAT(std::string(LoadRun::Start(spec).status().message()),
              HasSubstr("stages say how long the run is"));
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

// Load runs that are changed while they go on.
#include "client/load_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "client/load_run.h"
#include "common/net/unique_fd.h"
#include "common/stats/process_usage.h"
#include "tests/support/fd_limit.h"
#include "tests/support/load_runs.h"
#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::FdLimit;
using handshake::test::ReportComesTo;
using handshake::test::Start;
using handshake::test::TestServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using wire::Clock;
using namespace std::chrono_literals;

LoadReport End(LoadRun& run) {
  run.Cancel();
  EXPECT_TRUE(run.WaitFor(30s));
  return run.Report();
}

std::vector<std::string> Texts(const LoadReport& report) {
  std::vector<std::string> texts;
  for (const RunEvent& event : report.events) texts.push_back(event.text);
  return texts;
}

LoadSpec Even(const TestServer& server, double rate, std::chrono::nanoseconds duration) {
  LoadSpec spec;
  spec.target = server.address();
  spec.duration = duration;
  spec.open = OpenLoop{.rate = rate, .arrivals = Arrivals::kEven};
  return spec;
}

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// Whatever the lag of the threads: each place below the area has its arrival, and no other has.
TEST(LoadControlTest, ARateThatChangesPlansTheAreaBelowIt) {
  TestServer server(handshake::test::Serve());
  for (const auto& [first, second] : {std::pair{300.0, 1'500.0}, {1'500.0, 300.0}}) {
    LoadSpec spec = Even(server, first, 1s);
    spec.threads = 2;
    const std::unique_ptr<LoadRun> run = Start(spec);
    ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.ok() >= 20; }));
    ASSERT_TRUE(run->Change({.rate = second}).ok());
    ASSERT_TRUE(run->WaitFor(30s));
    const LoadReport report = run->Report();
    ASSERT_EQ(report.events.size(), 1);
    const double at = Seconds(report.events[0].elapsed);
    EXPECT_NEAR(static_cast<double>(report.planned), first * at + second * (1 - at), 2);
    EXPECT_EQ(report.rate, second);
  }
}

TEST(LoadControlTest, APausePlansAndBeginsNothingAndIsNotMadeUpFor) {
  TestServer server(handshake::test::Serve());
  const std::unique_ptr<LoadRun> run = Start(Even(server, 1'000, 1'500ms));
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.ok() >= 20; }));
  ASSERT_TRUE(run->Change({.paused = true}).ok());
  ASSERT_TRUE(run->Change({.paused = true}).ok()) << "it stays so";
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) {
    return report.paused_time > 100ms && report.in_flight == 0;
  }));
  const int64_t planned = run->Report().planned;
  EXPECT_FALSE(run->WaitFor(50ms));
  EXPECT_EQ(run->Report().planned, planned);
  EXPECT_TRUE(run->Report().paused);
  ASSERT_TRUE(run->Change({.rate = 500, .paused = false}).ok());
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  EXPECT_THAT(Texts(report), ElementsAre("paused", "rate 1000 -> 500", "resumed"));
  const double from = Seconds(report.events[0].elapsed);
  const double to = Seconds(report.events[2].elapsed);
  EXPECT_NEAR(static_cast<double>(report.planned), 1'000 * from + 500 * (1.5 - to), 2);
  EXPECT_NEAR(Seconds(report.paused_time), to - from, 1e-6);
  EXPECT_FALSE(report.paused);
  EXPECT_GE(report.elapsed, 1'500ms);
}

TEST(LoadControlTest, StagesGoOnWhereTheyAreWhenAPauseEnds) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.open = OpenLoop{.stages = {{200ms, 0, 1'000}, {1s, 100, 100}}, .arrivals = Arrivals::kEven};
  const std::unique_ptr<LoadRun> run = Start(spec);
  ASSERT_TRUE(run->Change({.paused = true}).ok());
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& r) { return r.elapsed > 210ms; }));
  ASSERT_TRUE(run->Change({.paused = false}).ok());
  ASSERT_TRUE(run->WaitFor(30s));
  const LoadReport report = run->Report();
  const double before = Seconds(report.events[0].elapsed);
  const double behind = 1.2 - Seconds(report.events[1].elapsed);
  EXPECT_NEAR(static_cast<double>(report.planned), 2'500 * before * before + 100 * behind, 2);
  EXPECT_LE(report.planned, 150) << "the ramp was made up for";
}

TEST(LoadControlTest, AConcurrencyGoesUpAtOnceAndDownAsHandshakesEnd) {
  TestServer server(handshake::test::NeverClose());
  LoadSpec spec;
  spec.target = server.address();
  spec.concurrency = 3;
  spec.threads = 2;
  spec.duration = 1h;
  spec.handshake.step_timeout = 200ms;
  const std::unique_ptr<LoadRun> run = Start(spec);
  const auto comes_to = [&](int64_t in_flight) {
    return ReportComesTo(*run, [&](const LoadReport& r) { return r.in_flight == in_flight; });
  };
  ASSERT_TRUE(comes_to(3));
  ASSERT_TRUE(run->Change({.concurrency = 150}).ok());
  ASSERT_TRUE(comes_to(150));
  EXPECT_EQ(run->Report().peak_connections, 150);
  ASSERT_TRUE(run->Change({.concurrency = 1}).ok());
  ASSERT_TRUE(comes_to(1));
  // From now on there is never more than one.
  const int64_t started = run->Report().started;
  ASSERT_TRUE(ReportComesTo(*run, [&](const LoadReport& report) {
    EXPECT_LE(report.in_flight, 1);
    return report.started > started + 1;
  }));
  ASSERT_TRUE(run->Change({.concurrency = 20}).ok()) << "places are used again";
  ASSERT_TRUE(comes_to(20));
  const LoadReport report = End(*run);
  EXPECT_EQ(report.concurrency, 20);
  EXPECT_EQ(report.most_concurrency, 150);
  EXPECT_THAT(Texts(report),
              ElementsAre("concurrency 3 -> 150", "concurrency 150 -> 1", "concurrency 1 -> 20"));
  EXPECT_EQ(report.shortfall, "");
}

TEST(LoadControlTest, APausedClosedLoopBeginsNothingAndGoesOn) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.concurrency = 4;
  spec.threads = 2;
  spec.count = 5'000;
  const std::unique_ptr<LoadRun> run = Start(spec);
  ASSERT_TRUE(run->Change({.paused = true}).ok());
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& report) { return report.in_flight == 0; }));
  const int64_t started = run->Report().started;
  EXPECT_LT(started, 5'000);
  EXPECT_FALSE(run->WaitFor(50ms));
  EXPECT_EQ(run->Report().started, started);
  ASSERT_TRUE(run->Change({.paused = false}).ok());
  ASSERT_TRUE(run->WaitFor(30s));
  EXPECT_EQ(run->Report().ok(), 5'000);
}

TEST(LoadControlTest, ARunThatIsPausedCanBeCancelled) {
  TestServer server(handshake::test::Serve());
  LoadSpec spec = Even(server, 500, 1h);
  const std::unique_ptr<LoadRun> run = Start(spec);
  ASSERT_TRUE(run->Change({.paused = true}).ok());
  EXPECT_TRUE(End(*run).cancelled);
}

TEST(LoadControlTest, WhatCannotBeChangedIsRefusedAndChangesNothing) {
  TestServer server(handshake::test::Serve());
  LoadSpec closed;
  closed.target = server.address();
  closed.duration = 1h;
  LoadSpec staged = closed;
  staged.duration.reset();
  staged.open = OpenLoop{.stages = {{1h, 1, 1}}};
  const auto failed = absl::StatusCode::kFailedPrecondition;
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const auto exhausted = absl::StatusCode::kResourceExhausted;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const struct {
    LoadSpec spec;
    LoadChange change;
    absl::StatusCode code;
    const char* says;
  } kCases[] = {
      {closed, {.rate = 5, .paused = true}, failed, "closed loop, which has no rate"},
      {Even(server, 10, 1h), {.concurrency = 5, .paused = true}, failed, "no concurrency"},
      {staged, {.rate = 5, .paused = true}, failed, "goes in stages"},
      {Even(server, 10, 1h), {.rate = 0, .paused = true}, invalid, "rate must be above 0"},
      {Even(server, 10, 1h), {.rate = NAN, .paused = true}, invalid, "rate must be above 0"},
      {closed, {.concurrency = 0, .paused = true}, invalid, "concurrency must be from 1"},
      {closed,
       {.concurrency = std::min<int64_t>(static_cast<int64_t>(limit.rlim_cur), 1'000'000),
        .paused = true},
       exhausted,
       "need a limit of"},
  };
  for (const auto& c : kCases) {
    const std::unique_ptr<LoadRun> run = Start(c.spec);
    const absl::Status refused = run->Change(c.change);
    EXPECT_EQ(refused.code(), c.code) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(c.says));
    EXPECT_EQ(run->Report().event_count, 0) << c.says;
    EXPECT_FALSE(run->Report().paused) << c.says;
  }
  const std::unique_ptr<LoadRun> run = Start(closed);
  End(*run);
  EXPECT_EQ(run->Change({.paused = true}).code(), failed);
}

// What the process has opened since the run began leaves it less, what it has closed more.
TEST(LoadControlTest, AConcurrencyMustFitWhatIsOpenNow) {
  TestServer server(handshake::test::NeverClose());
  std::vector<net::UniqueFd> others;
  for (int i = 0; i < 100; ++i) others.emplace_back(dup(0));
  ASSERT_TRUE(others.back());
  const FdLimit tight(static_cast<rlim_t>(stats::ReadProcessUsage().open_fd_count) + 100);
  LoadSpec spec;
  spec.target = server.address();
  spec.duration = 1h;
  spec.concurrency = 10;
  spec.handshake.step_timeout = 500ms;
  const std::unique_ptr<LoadRun> run = Start(spec);
  ASSERT_TRUE(ReportComesTo(*run, [](const LoadReport& r) { return r.in_flight == 10; }));
  // Each connection has its other end in this process too.
  for (int i = 0; i < 40; ++i) others.emplace_back(dup(0));
  EXPECT_EQ(run->Change({.concurrency = 40}).code(), absl::StatusCode::kResourceExhausted);
  others.clear();
  EXPECT_TRUE(run->Change({.concurrency = 70}).ok());
}

TEST(LoadControlTest, EventsAreKeptToABoundAndThenCounted) {
  LoadSpec spec;
  spec.duration = 1h;
  LoadControl control(spec);
  for (size_t i = 1; i <= LoadControl::kMostChanges; ++i) {
    ASSERT_TRUE(control.Change({.concurrency = 1 + static_cast<int64_t>(i)}, 1us * i).ok());
  }
  EXPECT_EQ(control.Change({.concurrency = 1}, 1h).code(), absl::StatusCode::kResourceExhausted);
  LoadReport report;
  control.AddTo(report);
  EXPECT_EQ(report.events.size(), LoadControl::kMostEvents);
  EXPECT_EQ(report.events.back().elapsed, 1ms);
  EXPECT_EQ(report.event_count, LoadControl::kMostChanges);
}

}  // namespace
}  // namespace handshake::client

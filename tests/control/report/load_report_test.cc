#include "control/report/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/report/flags.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::LoadRun ARun() {
  v1::LoadRun run;
  run.set_id("run-1");
  run.set_state(v1::LoadRun::STATE_FAILED);
  run.mutable_spec()->set_target("127.0.0.1:7000");
  run.mutable_spec()->set_concurrency(100);
  run.mutable_spec()->set_framing(v1::FRAMING_LINE);
  *run.mutable_spec()->mutable_duration() = Us(10'000'000);
  run.mutable_start_time()->set_seconds(1'748'786'585);
  *run.mutable_elapsed() = Us(4'500'000);
  run.set_ok_count(123'456);
  run.set_failed_count(2);
  run.set_ok_per_second(27'434.6);
  run.set_peak_connection_count(100);
  *run.mutable_cpu_time() = Us(1'250'000);
  *run.mutable_handshake() = ALatency(123'456);
  v1::VerdictCount& failure = *run.add_failures();
  failure.set_verdict(v1::VERDICT_TIMEOUT_STEP_2);
  failure.set_count(2);
  return run;
}

TEST(LoadReportTest, Page) {
  EXPECT_EQ(LoadPage(ARun(), {}),
            "run-1          failed\n"
            "target         127.0.0.1:7000, framing line\n"
            "asked for      10.0 s, 100 at once\n"
            "handshakes     123,456 ok, 2 failed, of 123,458 in 4.50 s\n"
            "rate           27.4k/s ok, 100 connections at the most\n"
            "client CPU     1.25 s, 10.1 us a handshake\n"
            "run file       target: \"127.0.0.1:7000\" concurrency: 100 duration { seconds: 10 } "
            "framing:\n"
            "               FRAMING_LINE\n"
            "\n"
            "LATENCY ms       COUNT    MIN   MEAN    P50    P90   P99  P99.9  MAX\n"
            "handshake      123,456  0.050  0.231  0.200  0.400  1.25   12.5  125\n"
            "connect              0      -      -      -      -     -      -    -\n"
            "reply                0      -      -      -      -     -      -    -\n"
            "close                0      -      -      -      -     -      -    -\n"
            "\n"
            "FAILED          COUNT  MEANING\n"
            "TIMEOUT_STEP_2      2  HELLO X+1 could not be delivered in time\n");
}

v1::LoadRun AnOpenRun() {
  v1::LoadRun run = ARun();
  run.set_state(v1::LoadRun::STATE_SUCCEEDED);
  run.mutable_spec()->clear_concurrency();
  run.mutable_spec()->set_rate_per_second(500);
  run.mutable_spec()->set_arrivals(v1::LoadSpec::ARRIVALS_POISSON);
  run.mutable_spec()->set_max_in_flight_count(1'000);
  *run.mutable_elapsed() = Us(10'000'000);
  run.clear_failures();
  run.set_failed_count(0);
  run.set_planned_count(50'012);
  run.set_started_count(49'800);
  run.set_ok_count(49'800);
  run.set_dropped_count(200);
  run.set_ok_per_second(4'980);
  *run.mutable_handshake() = ALatency(49'800);
  *run.mutable_from_intended_start() = ALatency(49'800);
  *run.mutable_send_lag() = ALatency(49'800);
  return run;
}

TEST(LoadReportTest, PageOfAnOpenLoop) {
  EXPECT_EQ(
      LoadPage(AnOpenRun(), {}),
      "run-1          succeeded\n"
      "target         127.0.0.1:7000, framing line\n"
      "asked for      10.0 s, 500/s poisson (seed 0), at most 1,000 in flight\n"
      "arrivals       50,012 planned: 49,800 begun, 200 dropped, 12 not sent in time\n"
      "handshakes     49,800 ok, 0 failed, of 49,800 in 10.0 s\n"
      "rate           4.98k/s ok, 100 connections at the most\n"
      "client CPU     1.25 s, 25.1 us a handshake\n"
      "run file       target: \"127.0.0.1:7000\" duration { seconds: 10 } framing: FRAMING_LINE\n"
      "               rate_per_second: 500 arrivals: ARRIVALS_POISSON max_in_flight_count: 1000\n"
      "\n"
      "LATENCY ms      COUNT    MIN   MEAN    P50    P90   P99  P99.9  MAX\n"
      "from intended  49,800  0.050  0.231  0.200  0.400  1.25   12.5  125\n"
      "handshake      49,800  0.050  0.231  0.200  0.400  1.25   12.5  125\n"
      "connect             0      -      -      -      -     -      -    -\n"
      "reply               0      -      -      -      -     -      -    -\n"
      "close               0      -      -      -      -     -      -    -\n"
      "send lag       49,800  0.050  0.231  0.200  0.400  1.25   12.5  125\n");
  v1::LoadRun staged = AnOpenRun();
  staged.mutable_spec()->clear_rate_per_second();
  staged.mutable_spec()->add_stages("5s:100..900");
  staged.mutable_spec()->add_stages("5s:900");
  staged.mutable_spec()->mutable_warmup_time()->set_seconds(2);
  *staged.mutable_measured_time() = Us(8'000'000);
  EXPECT_THAT(
      LoadPage(staged, {}),
      HasSubstr("asked for      10.0 s, 5s:100..900 5s:900 poisson (seed 0), at most 1,000 in "
                "flight\n"
                "warm-up        the first 2.00 s are left out below\n"));
  EXPECT_THAT(LoadPage(staged, {}), HasSubstr("of 49,800 in 8.00 s\n"));
  EXPECT_THAT(LoadProgress(AnOpenRun()), HasSubstr("p99 1.25 ms  200 dropped"));
}

TEST(LoadReportTest, AShortfallIsSaidFirstThenWhatWasBreachedAndWhoLimited) {
  v1::LoadRun run = AnOpenRun();
  run.set_state(v1::LoadRun::STATE_FAILED);
  run.set_shortfall("only 49800 of 50012 planned arrivals were begun");
  run.add_breaches("p99 > 1ms: it is 1.25ms");
  run.set_bottleneck(v1::LoadRun::BOTTLENECK_SERVER);
  run.set_bottleneck_reason("handshakes stayed open");
  EXPECT_THAT(LoadPage(run, {}),
              StartsWith("fell short     only 49800 of 50012 planned arrivals were begun\n"
                         "run-1          failed\n"
                         "breached       p99 > 1ms: it is 1.25ms\n"
                         "verdict        server-limited: handshakes stayed open\n"
                         "target         127.0.0.1:7000, framing line\n"));
}

TEST(LoadReportTest, WhatTheMachineTookAwayIsSaid) {
  v1::LoadRun run = AnOpenRun();
  EXPECT_THAT(LoadPage(run, {}), Not(HasSubstr("machine")));
  run.set_stolen_cpu_percent(3.14);
  run.set_retransmitted_segment_count(1'200);
  run.set_retransmitted_syn_count(7);
  EXPECT_THAT(LoadPage(run, {}),
              HasSubstr("a handshake\n"
                        "machine        3.1% of its CPU time stolen, 1,200 segments sent again "
                        "(7 SYN)\nrun file "));
}

TEST(LoadReportTest, TheExitCodeIsTheFirstThatFits) {
  v1::LoadRun run = AnOpenRun();
  EXPECT_EQ(LoadExitCode(run), 0);
  run.set_bottleneck(v1::LoadRun::BOTTLENECK_GENERATOR);
  EXPECT_EQ(LoadExitCode(run), 6);
  EXPECT_EQ(LoadExitCode(ARun()), 1);
  run.set_failed_count(1);
  run.set_state(v1::LoadRun::STATE_FAILED);
  EXPECT_EQ(LoadExitCode(run), 1);
  run.set_state_reason("stopped early");
  EXPECT_EQ(LoadExitCode(run), 5);
  run.clear_state_reason();
  run.add_breaches("p99 > 1ms");
  EXPECT_EQ(LoadExitCode(run), 5);
  v1::VerdictCount& failure = *run.add_failures();
  failure.set_verdict(v1::VERDICT_CONNECT_REFUSED);
  failure.set_count(1);
  EXPECT_EQ(LoadExitCode(run), 5) << "others were ok";
  run.set_ok_count(0);
  EXPECT_EQ(LoadExitCode(run), 3);
  run.add_failures()->set_verdict(v1::VERDICT_NO_LOCAL_RESOURCE);
  EXPECT_EQ(LoadExitCode(run), 5) << "it is not the target's fault";
  run.mutable_failures()->RemoveLast();
  run.set_state(v1::LoadRun::STATE_CANCELLED);
  EXPECT_EQ(LoadExitCode(run), 1);
  v1::LoadRun closed = ARun();
  closed.set_state(v1::LoadRun::STATE_SUCCEEDED);
  closed.set_bottleneck(v1::LoadRun::BOTTLENECK_GENERATOR);
  EXPECT_EQ(LoadExitCode(closed), 0) << "a closed loop was asked for no rate";
}

TEST(LoadReportTest, ARunThatWasGivenUpBreachedNothing) {
  v1::LoadRun run = ARun();
  run.set_state_reason("stopped early, errors > 0: it is 2");
  EXPECT_EQ(LoadExitCode(run), kExitBreached);
  run.set_given_up(true);
  EXPECT_EQ(LoadExitCode(run), kExitBadOutcome);
  run.set_ok_count(0);
  run.mutable_failures(0)->set_verdict(v1::VERDICT_CONNECT_REFUSED);
  EXPECT_EQ(LoadExitCode(run), kExitUnreachable);
}

TEST(LoadReportTest, ProgressIsTheNearerEnd) {
  v1::LoadRun run = ARun();
  EXPECT_EQ(LoadProgress(run),
            "[=========           ]  45%  4.50 s  123,456 ok  2 failed  27.4k/s  p99 1.25 ms");
  run.mutable_spec()->set_handshake_count(150'000);
  EXPECT_THAT(LoadProgress(run), HasSubstr("]  82%"));
  run.mutable_spec()->set_handshake_count(1);  // overshot
  EXPECT_THAT(LoadProgress(run), HasSubstr("[====================] 100%"));
  EXPECT_THAT(LoadProgress(v1::LoadRun()), HasSubstr("]   0%  0 s  0 ok"));
}

TEST(LoadReportTest, APauseShowsWhileItLastsAndEventsInTheEnd) {
  v1::LoadRun run = ARun();
  run.set_paused(true);
  EXPECT_THAT(LoadProgress(run), HasSubstr("2 failed  paused  p99 1.25 ms"));
  for (int i = 0; i < 12; ++i) {
    v1::LoadRunEvent& event = *run.add_events();
    *event.mutable_elapsed() = Us(1'000'000 * (i + 1));
    event.set_text(i % 2 == 0 ? "paused" : "resumed");
  }
  run.set_event_count(1'200);
  EXPECT_THAT(LoadPage(run, {}), HasSubstr("\nevents         1.00 s  paused\n"
                                           "               2.00 s  resumed\n"));
  EXPECT_THAT(LoadPage(run, {}), HasSubstr("\n               and 1,190 more, see -o json\n"));
}

TEST(LoadReportTest, List) {
  v1::ListLoadRunsResponse runs;
  EXPECT_EQ(LoadRunsTable(runs, {}), "no load runs yet\n");
  *runs.add_load_runs() = ARun();
  EXPECT_EQ(
      LoadRunsTable(runs, {}),
      "RUN    STATE   UTC       TIME s  TARGET          LOAD       OK  FAILED  OK /s  P99 ms\n"
      "run-1  failed  14:03:05    4.50  127.0.0.1:7000   100  123,456       2  27.4k    1.25\n");
  *runs.mutable_load_runs(0) = AnOpenRun();
  EXPECT_EQ(
      LoadRunsTable(runs, {}),
      "RUN    STATE      UTC       TIME s  TARGET           LOAD      OK  FAILED  OK /s  P99 ms\n"
      "run-1  succeeded  14:03:05    10.0  127.0.0.1:7000  500/s  49,800       0  4.98k    1.25\n");
}

}  // namespace
}  // namespace handshake::report

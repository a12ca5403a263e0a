#include "control/report/hold_report.h"

#include <gtest/gtest.h>

#include "handshake/v1/load_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

v1::HoldRun AHold() {
  v1::HoldRun run;
  run.set_target("127.0.0.1:7000");
  run.set_framing(v1::FRAMING_LINE);
  run.set_connection_count(1'000'000);
  *run.mutable_duration() = Us(30'000'000);
  run.set_process_count(51);
  run.set_fd_limit(20'000);
  run.set_state(v1::LoadRun::STATE_RUNNING);
  run.set_opened_count(500'000);
  run.set_held_count(500'000);
  *run.mutable_open_time() = Us(8'000'000);
  run.set_opened_per_second(62'500);
  return run;
}

TEST(HoldReportTest, ProgressNamesThePhase) {
  v1::HoldRun run = AHold();
  EXPECT_EQ(HoldProgress(run), "opening: 500,000 of 1,000,000 in 8.00 s  0 failed");
  run.set_opened_count(1'000'000);
  run.set_held_count(999'999);
  run.set_failed_count(1);
  *run.mutable_hold_time() = Us(12'000'000);
  EXPECT_EQ(HoldProgress(run), "holding: 999,999, 12.0 s of 30.0 s  1 failed");
  run.set_finished_count(1'234);
  *run.mutable_finish_time() = Us(20'000);
  EXPECT_EQ(HoldProgress(run), "finishing: 1,234 of 999,999 in 20.0 ms  1 failed");
}

TEST(HoldReportTest, PageSaysWhatToDoAboutTheLost) {
  v1::HoldRun run = AHold();
  run.set_state(v1::LoadRun::STATE_FAILED);
  run.set_opened_count(1'000'000);
  run.set_held_count(999'990);
  run.set_lost_count(10);
  run.set_finished_count(999'990);
  run.set_failed_count(10);
  *run.mutable_open_time() = Us(16'000'000);
  *run.mutable_hold_time() = Us(30'000'000);
  *run.mutable_finish_time() = Us(10'000'000);
  run.set_finished_per_second(99'999);
  *run.mutable_cpu_time() = Us(50'000'000);
  v1::VerdictCount& failure = *run.add_failures();
  failure.set_verdict(v1::VERDICT_PEER_GONE_STEP_3);
  failure.set_count(10);
  EXPECT_EQ(HoldPage(run, {}),
            "hold           failed\n"
            "target         127.0.0.1:7000, framing line\n"
            "asked for      1,000,000 connections at once, held for 30.0 s\n"
            "processes      51, at most 20,000 open files each\n"
            "opened         1,000,000 in 16.0 s, 62.5k/s\n"
            "held           999,990 for 30.0 s\n"
            "finished       999,990 in 10.0 s, 100k/s\n"
            "failed         10\n"
            "client CPU     50.0 s, 50.0 us a connection\n"
            "lost           the server ended 10 while they were held. Unless it was stopped, its "
            "deadlines "
            "are\n"
            "               too short: for opening, holding and finishing, start it with "
            "--step-timeout 10m\n"
            "               --handshake-timeout 10m\n"
            "\n"
            "FAILED            COUNT  MEANING\n"
            "PEER_GONE_STEP_3     10  the peer closed before HELLO X+2 was complete\n");
}

}  // namespace
}  // namespace handshake::report

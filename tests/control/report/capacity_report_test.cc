#include "control/report/capacity_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "handshake/v1/load_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

v1::CapacityTrial& AddTrial(v1::CapacityReport& report, int64_t load,
                            v1::CapacityTrial::Stage stage, v1::CapacityTrial::Outcome outcome) {
  v1::CapacityTrial& trial = *report.add_trials();
  trial.set_load(load);
  trial.set_stage(stage);
  trial.set_outcome(outcome);
  return trial;
}

v1::CapacityReport ACapacity() {
  v1::CapacityReport report;
  report.set_target("127.0.0.1:7000");
  report.set_quantity(v1::CapacityReport::QUANTITY_RATE);
  report.add_conditions("p99 < 10ms");
  report.add_conditions("errors = 0");
  report.set_first_load(100);
  report.set_load_limit(1'000'000);
  report.set_precision_percent(5);
  *report.mutable_trial_time() = Us(3'000'000);
  *report.mutable_proof_time() = Us(9'000'000);
  *report.mutable_elapsed() = Us(65'000'000);
  report.set_outcome(v1::CapacityReport::OUTCOME_FOUND);
  report.set_proven_load(3'400);
  report.set_highest_passed_load(3'400);
  report.set_lowest_failed_load(3'560);
  v1::LoadRun& run =
      *AddTrial(report, 3'400, v1::CapacityTrial::STAGE_PROVE, v1::CapacityTrial::OUTCOME_PASSED)
           .mutable_load_run();
  *run.mutable_from_intended_start() = ALatency(10'000);
  run.set_ok_per_second(3'398);
  AddTrial(report, 3'560, v1::CapacityTrial::STAGE_BISECT, v1::CapacityTrial::OUTCOME_FAILED)
      .set_reason("p99 < 10ms: it is 12.5ms");
  AddTrial(report, 100, v1::CapacityTrial::STAGE_GROW, v1::CapacityTrial::OUTCOME_PASSED);
  return report;
}

TEST(CapacityReportTest, PageWithTheCurveByLoad) {
  EXPECT_EQ(CapacityPage(ACapacity(), {}),
            "capacity       3,400/s, proven for 9.00 s\n"
            "did not pass   3,560/s: p99 < 10ms: it is 12.5ms\n"
            "target         127.0.0.1:7000\n"
            "wanted         p99 < 10ms, errors = 0\n"
            "search         3 trials of 3.00 s in 1m 05s, from 100 up to 1,000,000/s, to 5%\n"
            "\n"
            "RATE /s  STAGE   OUTCOME  OK /s  P50 ms  P99 ms  MAX ms  FAILED  DROPPED  WHY\n"
            "    100  grow    passed       0       -       -       -       0        0\n"
            "  3,400  prove   passed   3.40k   0.200    1.25     125       0        0\n"
            "  3,560  bisect  failed       0       -       -       -       0        0  p99 < 10ms: "
            "it is 12.5ms\n");
}

TEST(CapacityReportTest, EachEndSaysWhatIsKnown) {
  v1::CapacityReport report = ACapacity();
  EXPECT_EQ(CapacityExitCode(report), 0);
  report.set_outcome(v1::CapacityReport::OUTCOME_GENERATOR_LIMITED);
  EXPECT_EQ(CapacityExitCode(report), 6);
  EXPECT_THAT(CapacityPage(report, {}),
              HasSubstr("at least 3,400/s, proven for 9.00 s; the generator, not the server"));
  report.clear_proven_load();
  report.set_outcome(v1::CapacityReport::OUTCOME_UNDECIDED);
  EXPECT_EQ(CapacityExitCode(report), 1);
  EXPECT_THAT(CapacityPage(report, {}), HasSubstr("3,400/s passed, not proven"));
  report.set_outcome(v1::CapacityReport::OUTCOME_NOTHING_PASSED);
  EXPECT_EQ(CapacityExitCode(report), 5);
  report.set_outcome(v1::CapacityReport::OUTCOME_UNREACHABLE);
  EXPECT_EQ(CapacityExitCode(report), 3);
  report.set_outcome(v1::CapacityReport::OUTCOME_LIMIT_REACHED);
  EXPECT_EQ(CapacityExitCode(report), 0);
}

TEST(CapacityReportTest, PageOfHeldConnections) {
  v1::CapacityReport report = ACapacity();
  report.set_quantity(v1::CapacityReport::QUANTITY_HELD_CONNECTIONS);
  report.mutable_trials(0)->mutable_hold_run()->set_held_count(3'400);
  report.mutable_trials(0)->mutable_hold_run()->set_finished_count(3'399);
  EXPECT_THAT(CapacityPage(report, {}),
              AllOf(HasSubstr("3,400 connections, proven for 9.00 s"),
                    HasSubstr("    3,400  prove   passed   3,400     3,399          0\n")));
}

}  // namespace
}  // namespace handshake::report

#include "client/capacity_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace handshake::client {
namespace {

using ::testing::HasSubstr;
using wire::Verdict;
using namespace std::chrono_literals;

std::vector<Condition> Wanted(const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) conditions.push_back(*ParseCondition(text));
  return conditions;
}

// 3,000 arrivals in 3 s, all ok, each took 2 ms.
LoadReport AReport() {
  LoadReport report;
  report.done = true;
  report.measured = 3s;
  report.planned = report.started = 3'000;
  report.ended[static_cast<size_t>(Verdict::kOk)] = 3'000;
  report.intended.Record(2'000, 3'000);
  return report;
}

TEST(CapacityTrialTest, PassesIfAllThatIsWantedHolds) {
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 10ms", "errors = 0"}), AReport()).outcome,
            TrialOutcome::kPassed);
  const TrialJudgement failed = JudgeTrial(Wanted({"errors = 0", "p99 < 1ms"}), AReport());
  EXPECT_EQ(failed.outcome, TrialOutcome::kFailed);
  EXPECT_THAT(failed.why, HasSubstr("p99 < 1ms: it is 2"));
}

TEST(CapacityTrialTest, WhatWasNotMeasuredDoesNotPass) {
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 10ms"}), LoadReport()).outcome, TrialOutcome::kFailed);
}

TEST(CapacityTrialTest, DroppedArrivalsFailUnlessTheyAreSpokenOf) {
  LoadReport report = AReport();
  report.planned += 10;
  report.dropped = 10;
  EXPECT_EQ(JudgeTrial(Wanted({"errors = 0"}), report).outcome, TrialOutcome::kFailed);
  EXPECT_EQ(JudgeTrial(Wanted({"errors = 0", "dropped < 1%"}), report).outcome,
            TrialOutcome::kPassed);
}

TEST(CapacityTrialTest, HandshakesThatDoNotEndFail) {
  LoadReport report = AReport();
  report.in_flight = 1;
  EXPECT_EQ(JudgeTrial(Wanted({"errors = 0"}), report).outcome, TrialOutcome::kFailed);
}

TEST(CapacityTrialTest, ARunThatWasGivenUpFailsForThatReason) {
  LoadReport report = AReport();
  report.given_up = "no correct answer for 5 s";
  report.planned += 3'000;  // no longer sent: not for the generator's sake
  report.judgement = {Bottleneck::kGenerator, "send lag"};
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 1s"}), report).outcome, TrialOutcome::kFailed);
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 1s"}), report).why, report.given_up);
}

TEST(CapacityTrialTest, ALateGeneratorIsNoFailureOfTheServer) {
  LoadReport report = AReport();
  report.judgement = {Bottleneck::kGenerator, "send lag"};
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 1ms"}), report).outcome, TrialOutcome::kGeneratorLimited);
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 1ms"}), report).why, "send lag");
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 1s"}), report).outcome, TrialOutcome::kPassed)
      << "its own lateness included, it held";
  report = AReport();
  report.planned += 31;
  EXPECT_EQ(JudgeTrial(Wanted({"p99 < 1s"}), report).outcome, TrialOutcome::kGeneratorLimited)
      << "more than 1 % were not sent";
}

TEST(CapacityTrialTest, AHoldPassesIfAllFinished) {
  HoldReport report;
  report.opened = 100;
  report.ended[static_cast<size_t>(Verdict::kOk)] = 100;
  EXPECT_EQ(JudgeTrial({}, report, 100).outcome, TrialOutcome::kPassed);
  const TrialJudgement failed = JudgeTrial({}, report, 102);
  EXPECT_EQ(failed.outcome, TrialOutcome::kFailed);
  EXPECT_EQ(failed.why, "not all finished (100 of 102 opened, 0 lost while held)");
  EXPECT_EQ(JudgeTrial(Wanted({"errors < 2%"}), report, 102).outcome, TrialOutcome::kPassed);
  EXPECT_EQ(JudgeTrial(Wanted({"errors < 1%"}), report, 102).outcome, TrialOutcome::kFailed);
  report.ended[static_cast<size_t>(Verdict::kNoLocalResource)] = 2;
  EXPECT_EQ(JudgeTrial({}, report, 102).outcome, TrialOutcome::kGeneratorLimited);
}

}  // namespace
}  // namespace handshake::client

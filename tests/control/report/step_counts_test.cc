#include "control/report/step_counts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "control/report/names.h"

namespace handshake::report {
namespace {

// "1+0 1+0 0+2": for each step those that finished it, and the untold.
std::string StepsOf(LedgerEnd end, v1::HandshakeCounts counts) {
  SetSteps(end, counts);
  std::string text;
  for (const v1::StepCount& step : counts.steps()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(step.finished_count()) + "+" + std::to_string(step.untold_count());
  }
  return text;
}

v1::HandshakeCounts One(v1::Verdict verdict) {
  v1::HandshakeCounts counts;
  v1::VerdictCount& failure = *counts.add_failures();
  failure.set_verdict(verdict);
  failure.set_count(1);
  return counts;
}

struct Row {
  v1::Verdict verdict;
  const char* client;
  const char* server;
};

TEST(StepCountsTest, EachVerdictSaysWhatItCan) {
  constexpr const char* kNever = "";
  constexpr const char* kNone = "0+0 0+0 0+0";
  constexpr const char* kOne = "1+0 0+0 0+0";
  constexpr const char* kTwo = "1+0 1+0 0+0";
  constexpr const char* kNoneToTwo = "0+1 0+1 0+0";
  const std::vector<Row> rows = {
      {v1::VERDICT_MALFORMED, kOne, kNoneToTwo},
      {v1::VERDICT_OVERSIZE, kOne, kNoneToTwo},
      {v1::VERDICT_OVERFLOW, kOne, kNoneToTwo},
      {v1::VERDICT_MISMATCH, kOne, kTwo},
      {v1::VERDICT_EARLY_DATA, kNever, kNone},
      {v1::VERDICT_TRAILING_DATA, "1+0 0+1 0+0", kTwo},
      {v1::VERDICT_TIMEOUT_STEP_1, kNone, kNone},
      {v1::VERDICT_TIMEOUT_STEP_2, kOne, kOne},
      {v1::VERDICT_TIMEOUT_STEP_3, kTwo, kTwo},
      {v1::VERDICT_PEER_GONE_STEP_1, kNone, kNone},
      {v1::VERDICT_PEER_GONE_STEP_2, kOne, kOne},
      {v1::VERDICT_PEER_GONE_STEP_3, kTwo, kTwo},
      {v1::VERDICT_PEER_RESET_STEP_1, kNone, kNone},
      {v1::VERDICT_PEER_RESET_STEP_2, kOne, kOne},
      {v1::VERDICT_PEER_RESET_STEP_3, kTwo, kTwo},
      {v1::VERDICT_SHED, kNever, kNoneToTwo},
      {v1::VERDICT_CLOSED_BY_OPERATOR, kNever, kNoneToTwo},
      {v1::VERDICT_CLOSED_AT_SHUTDOWN, kNever, kNoneToTwo},
      {v1::VERDICT_INTERNAL_ERROR, kNever, kNoneToTwo},
      {v1::VERDICT_PEER_ERROR, "1+0 0+1 0+1", kNever},
      {v1::VERDICT_UNCONFIRMED, "1+0 1+0 1+0", kNever},
      {v1::VERDICT_CONNECT_REFUSED, kNone, kNever},
      {v1::VERDICT_CONNECT_TIMEOUT, kNone, kNever},
      {v1::VERDICT_UNREACHABLE, kNone, kNever},
      {v1::VERDICT_NO_LOCAL_RESOURCE, kNone, kNever},
      {v1::VERDICT_NOT_UTF8, kNever, kNever},  // of other protocols
      {v1::VERDICT_IDLE, kNever, kNever},
  };
  EXPECT_EQ(static_cast<int>(rows.size()), v1::Verdict_ARRAYSIZE - 2) << "all but none and OK";
  for (const Row& row : rows) {
    SCOPED_TRACE(VerdictName(row.verdict));
    if (row.client != kNever) {
      EXPECT_EQ(StepsOf(LedgerEnd::kClient, One(row.verdict)), row.client);
    }
    if (row.server != kNever) {
      EXPECT_EQ(StepsOf(LedgerEnd::kServer, One(row.verdict)), row.server);
    }
  }
}

TEST(StepCountsTest, OkFinishedAllAndWhatHasNotEndedIsUntold) {
  v1::HandshakeCounts counts = One(v1::VERDICT_TIMEOUT_STEP_3);
  counts.set_ok_count(10);
  counts.set_in_flight_count(4);
  EXPECT_EQ(StepsOf(LedgerEnd::kClient, counts), "11+4 11+4 10+4");
  counts.set_in_flight_count(-4);  // of a server: more were in flight before
  EXPECT_EQ(StepsOf(LedgerEnd::kServer, counts), "11+0 11+0 10+0");
  SetSteps(LedgerEnd::kServer, counts);
  SetSteps(LedgerEnd::kServer, counts);
  EXPECT_EQ(counts.steps_size(), 3) << "set anew, not added";
}

TEST(StepCountsTest, AVerdictOfANewerServerIsUntold) {
  EXPECT_EQ(StepsOf(LedgerEnd::kServer, One(static_cast<v1::Verdict>(99))), "0+1 0+1 0+0");
  EXPECT_EQ(StepsOf(LedgerEnd::kClient, One(static_cast<v1::Verdict>(99))), "0+1 0+1 0+1");
}

TEST(StepCountsTest, NumbersThatDoNotFitStayAtTheLargest) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  v1::HandshakeCounts counts = One(v1::VERDICT_UNCONFIRMED);
  counts.set_ok_count(kHuge);
  SetSteps(LedgerEnd::kClient, counts);
  EXPECT_EQ(counts.steps(0).finished_count(), kHuge);
}

}  // namespace
}  // namespace handshake::report

#include "client/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "client/load_run.h"

namespace handshake::client {
namespace {

using ::testing::HasSubstr;
using wire::Verdict;
using namespace std::chrono_literals;

// 98 successes of 1 ms, 1 of 10 ms, 1 of 100 ms and 25 failures in 10 s; an open loop, if asked
// for, has 5 ms more of each, and 8 of 200 arrivals dropped.
LoadReport AReport(bool open = false) {
  LoadReport report;
  report.measured = 10s;
  report.ended[static_cast<size_t>(Verdict::kOk)] = 100;
  report.ended[static_cast<size_t>(Verdict::kMismatch)] = 25;
  report.handshake.Record(1'000, 98);
  report.handshake.Record(10'000);
  report.handshake.Record(100'000);
  if (!open) return report;
  report.intended.Record(6'000, 98);
  report.intended.Record(15'000);
  report.intended.Record(105'000);
  report.planned = 200;
  report.dropped = 8;
  return report;
}

std::optional<bool> Judge(const std::string& text, const LoadReport& report) {
  const absl::StatusOr<Condition> condition = ParseCondition(text);
  EXPECT_TRUE(condition.ok()) << condition.status();
  return Holds(*condition, report);
}

TEST(ConditionTest, EachMetricIsComparedInItsUnit) {
  for (const char* holds :
       {"p50 > 999us", "p50 <= 1ms", "p90 < 1.1ms", "p99 > 9ms", "p99<10.1ms", "p99.9 > 99ms",
        "max < 101ms", "max >= 0.1s", "mean > 2ms", "mean < 2.1ms", "errors = 25", "errors > 24",
        "errors = 20%", "errors>=20%", "errors < 20.1%", "rate = 10", "rate < 10.5", "dropped = 0",
        "  p99  >  1ms  "}) {
    EXPECT_EQ(Judge(holds, AReport()), true) << holds;
  }
  for (const char* does_not : {"p50 > 1.1ms", "p50 < 1ms", "errors > 25", "errors > 20%",
                               "errors = 0", "rate > 10", "rate < 10", "dropped > 0"}) {
    EXPECT_EQ(Judge(does_not, AReport()), false) << does_not;
  }
}

TEST(ConditionTest, AWindowIsPartOfIt) {
  EXPECT_EQ(ParseCondition("p99 > 5ms")->over, std::nullopt);
  EXPECT_EQ(ParseCondition("p99 > 5ms over 10s")->over, 10s);
  EXPECT_EQ(ParseCondition("errors>=0.1%  over   1.5m  ")->over, 90s);
  EXPECT_EQ(ParseCondition("rate < 100 over 1h")->over, 1h);
  EXPECT_EQ(StopWindowOf(*ParseCondition("rate < 100")), 1s);
  EXPECT_EQ(StopWindowOf(*ParseCondition("rate < 100 over 2s")), 2s);
  EXPECT_EQ(Explain(*ParseCondition("p50 > 500us over 10s"), AReport()),
            "p50 > 500us over 10s: it is 1ms");
}

TEST(ConditionTest, AnOpenLoopIsJudgedFromItsIntendedStarts) {
  EXPECT_EQ(Judge("p50 >= 6ms", AReport(true)), true);
  EXPECT_EQ(Judge("p50 >= 6ms", AReport(false)), false);
  EXPECT_EQ(Judge("dropped = 8", AReport(true)), true);
  EXPECT_EQ(Judge("dropped = 4%", AReport(true)), true);
}

TEST(ConditionTest, WhatWasNotMeasuredCannotBeTold) {
  for (const char* text :
       {"p99 > 5ms", "max < 1h", "mean = 0ms", "errors > 1%", "dropped = 0%", "rate < 100"}) {
    EXPECT_EQ(Judge(text, LoadReport()), std::nullopt) << text;
    EXPECT_EQ(Explain(*ParseCondition(text), LoadReport()),
              std::string(text) + ": nothing was measured");
  }
  EXPECT_EQ(Judge("errors > 0", LoadReport()), false);
}

TEST(ConditionTest, ExplainSaysWhatWasMeasured) {
  const auto explain = [](const char* text) { return Explain(*ParseCondition(text), AReport()); };
  EXPECT_EQ(explain("p50 > 500us"), "p50 > 500us: it is 1ms");
  EXPECT_EQ(explain("errors > 0.1%"), "errors > 0.1%: it is 20%");
  EXPECT_EQ(explain("errors > 0"), "errors > 0: it is 25");
  EXPECT_EQ(explain("rate<100"), "rate<100: it is 10");
}

TEST(ConditionTest, ABadOneIsRefusedWithTheColumnAndWhatMayStandThere) {
  const struct {
    const char* text;
    const char* says;
  } kCases[] = {
      {"", "condition '', column 1: '' is not one of p50, p90, p99, p99.9, max, mean, errors, "},
      {"p95 > 5ms", "column 1: 'p95' is not one of"},
      {"  latency>5ms", "column 3: 'latency' is not one of"},
      {"P99 > 5ms", "column 1: 'P99' is not one of"},
      {"p99", "column 4: one of <, <=, >, >= and = belongs here"},
      {"p99 5ms", "column 5: one of <"},
      {"p99 ! 5ms", "column 5: one of <"},
      {"p99 > ", "column 7: '' is not a duration, as in 500us or 5ms"},
      {"p99 > 5", "column 7: '5' is not a duration"},
      {"p99 > 5%", "column 7: '5%' is not a duration"},
      {"p99 >> 5ms", "column 6: '> 5ms' is not a duration"},
      {"p99 == 5ms", "column 6: '= 5ms' is not a duration"},
      {"p99 > 5ms or so", "column 7: '5ms or so' is not a duration"},
      {"errors > 5ms", "column 10: '5ms' is not a number, or a share up to 100%"},
      {"errors > 101%", "column 10: '101%' is not a number"},
      {"errors > -1", "column 10: '-1' is not a number"},
      {"errors > nan", "column 10: 'nan' is not a number"},
      {"errors > %", "column 10: '%' is not a number"},
      {"rate < 5%", "column 8: '5%' is not a number of handshakes a second"},
      {"rate < inf", "column 8: 'inf' is not a number of handshakes a second"},
      {"p99 > over 10s", "column 7: 'over 10s' is not a duration"},
      {"p99 > 5ms over", "column 7: '5ms over' is not a duration"},
      {"p99 > 5ms over ",
       "column 16: '' is not a number of whole seconds from 1s to 1h, as in 10s"},
      {"p99 > 5ms over 10", "column 16: '10' is not a number of whole seconds from 1s to 1h"},
      {"p99 > 5ms over 999ms", "column 16: '999ms' is not a number of whole seconds from 1s to 1h"},
      {"p99 > 5ms over 1.5s", "column 16: '1.5s' is not a number of whole seconds"},
      {"p99 > 5ms over 61m", "column 16: '61m' is not a number of whole seconds from 1s to 1h"},
      {"p99 > 5ms over 1s over 2s",
       "column 16: '1s over 2s' is not a number of whole seconds from 1s to 1h"},
      {"p99 > 5ms                                                           ",
       "longer than 64 characters"},
  };
  for (const auto& c : kCases) {
    const auto condition = ParseCondition(c.text);
    ASSERT_EQ(condition.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(condition.status().message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace handshake::client

// Two reports side by side: what is said to differ, and what is said to be real.
#include "control/report/report_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/report/json.h"
#include "control/report/run_file.h"

namespace handshake::report {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Of `seconds` points whose latencies are about `us`, each a little different.
v1::LoadRun RunOf(int seconds, int64_t us, int64_t failed_a_second = 0) {
  v1::LoadRun run;
  run.set_schema_version(std::string(kLoadRunSchema));
  run.mutable_spec()->set_target("127.0.0.1:7000");
  run.mutable_spec()->set_concurrency(10);
  const auto fill = [](int64_t at, v1::Latency& latency) {
    latency.set_count(1'000);
    latency.set_mean_us(static_cast<double>(at));
    latency.set_p50_us(at);
    latency.set_p90_us(2 * at);
    latency.set_p99_us(3 * at);
    latency.set_p999_us(4 * at);
  };
  for (int i = 0; i < seconds; ++i) {
    v1::LoadPoint& point = *run.add_points();
    point.mutable_duration()->set_seconds(1);
    point.set_ok_count(1'000 + i % 3);
    point.set_failed_count(failed_a_second);
    fill(us + i % 5, *point.mutable_latency());
  }
  run.set_ok_count(int64_t{1'000} * seconds);
  run.set_failed_count(failed_a_second * seconds);
  run.set_ok_per_second(1'000);
  fill(us, *run.mutable_handshake());
  return run;
}

std::string Diff(const v1::LoadRun& a, const v1::LoadRun& b) {
  return ReportDiff({"a.json", a}, {"b.json", b}, {});
}

TEST(ReportDiff, EqualRunsShowNothing) {
  const std::string page = Diff(RunOf(10, 500), RunOf(10, 500));
  EXPECT_THAT(page, ContainsRegex("p50 ms +0.500 +0.500 +0 +-0.4% to \\+0.4% +not shown\n"));
  EXPECT_THAT(page, ContainsRegex("errors % +0.00 +0.00 +0 +\\+0.00 to \\+0.00 +not shown\n"));
  EXPECT_THAT(page, Not(HasSubstr(" real\n")));
  EXPECT_THAT(page, Not(HasSubstr("asked otherwise")));
  EXPECT_THAT(page, ContainsRegex("A +a.json, .*10 at once, 10 points\n"));
}

TEST(ReportDiff, AChangeIsRealInWhatChanged) {
  const std::string page = Diff(RunOf(10, 500), RunOf(10, 600, 10));
  EXPECT_THAT(page, ContainsRegex("p99 ms +1.50 +1.80 +\\+20.0% +\\+19.* to \\+20.* +real\n"));
  EXPECT_THAT(page, ContainsRegex("p99.9 ms .* real\n"));
  EXPECT_THAT(page, ContainsRegex("rate /s .* not shown\n"));
  EXPECT_THAT(page, ContainsRegex("errors % +0.00 +0.99 +\\+0.99 +\\+0.99 to \\+0.99 +real\n"));
}

TEST(ReportDiff, FourSecondsAreTooFew) {
  for (const auto& [a, b] : {std::pair(4, 10), std::pair(10, 4), std::pair(0, 0)}) {
    const std::string page = Diff(RunOf(a, 500), RunOf(b, 900));
    EXPECT_THAT(page, ContainsRegex("p50 ms +0.500 +0.900 +\\+80.0% +too few seconds: 5 at least "
                                    "needed\n"));
    EXPECT_THAT(page, Not(HasSubstr(" real\n")));
  }
  EXPECT_THAT(Diff(RunOf(5, 500), RunOf(5, 900)), ContainsRegex("p50 ms .* real\n"));
}

TEST(ReportDiff, SaysFirstWhatWasAskedOtherwise) {
  v1::LoadRun b = RunOf(10, 500);
  b.mutable_spec()->set_target("127.0.0.1:7001");
  b.mutable_spec()->clear_concurrency();
  b.mutable_spec()->add_stages("5s:100");
  const std::string page = Diff(RunOf(10, 500), b);
  EXPECT_THAT(page, testing::StartsWith("asked otherwise  A target: \"127.0.0.1:7000\", "
                                        "B target: \"127.0.0.1:7001\"\n"));
  EXPECT_THAT(page, HasSubstr(" A concurrency: 10, B unset\n"));
  EXPECT_THAT(page, HasSubstr(" A unset, B stages: \"5s:100\"\n"));
}

TEST(ReportDiff, RunsWithoutAnythingHaveNoFigures) {
  EXPECT_THAT(Diff({}, {}), ContainsRegex("p50 ms +- +- +- +too few seconds"));
}

TEST(RunReportFile, IsReadAsItWasWritten) {
  const v1::LoadRun run = RunOf(3, 500);
  const absl::StatusOr<v1::LoadRun> read = ParseLoadRun(Json(run), "a");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(Json(*read), Json(run));
}

TEST(RunReportFile, WhatIsWrongIsSaidWithTheFile) {
  const auto why = [](const std::string& text) {
    return std::string(ParseLoadRun(text, "a").status().message());
  };
  EXPECT_EQ(why("target: 5"), "a:1:1: '{' is expected");
  EXPECT_EQ(why("{\n\"points\": 5}"), "a:2:11: that is no points of a load run");
  EXPECT_EQ(why("{\"trials\": []}"), "a: no report of a load run; see load --json");
  EXPECT_EQ(why("{\"spec\": {}, \"schemaVersion\": \"handshake.v1/9\"}"),
            "a: its schema is \"handshake.v1/9\", not \"handshake.v1/1\"");
  EXPECT_EQ(why("{\"spec\": {}, \"schemaVersion\": \"handshake.v1/1\", \"newer\": 1}"), "");
  EXPECT_EQ(std::string(ReadLoadRun("/nowhere/a").status().message()),
            "cannot read /nowhere/a: No such file or directory");
}

}  // namespace
}  // namespace handshake::report

#include "control/report/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "handshake/v1/load_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(HtmlReportTest, WhateverItsTextsHoldIsShownAsText) {
  const std::string evil = "<script>alert('1')</script>\"><img src=x>&\x1b[2J";
  for (const int64_t number : {int64_t{0}, int64_t{7}, kHuge, kLowest}) {
    v1::LoadRun run = Filled<v1::LoadRun>(number, evil);
    run.mutable_spec()->add_stages(evil);
    const std::string page = HtmlReport(run);
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;1&#39;)"));
    for (const char* refused : {"<script", "<img", "alert('", "\x1b", "nan", "inf;"}) {
      EXPECT_THAT(page, Not(HasSubstr(refused)));
    }
  }
}

TEST(HtmlReportTest, NeedsNoNetworkAndStandsWithoutASeries) {
  v1::LoadRun run;
  run.mutable_spec()->set_target("127.0.0.1:7000");
  run.mutable_spec()->set_rate_per_second(500);
  EXPECT_THAT(HtmlReport(run), AllOf(StartsWith("<!doctype html>"), HasSubstr("500/s poisson"),
                                     HasSubstr("Latency by phase"), Not(HasSubstr("http"))));
}

TEST(HtmlReportTest, ShowsTheSeriesItsEventsAndTheReasonsOfFailures) {
  v1::LoadRun run;
  for (int second = 0; second < 3; ++second) {
    v1::LoadPoint& point = *run.add_points();
    point.mutable_elapsed()->set_seconds(second);
    point.mutable_duration()->set_seconds(1);
    point.set_started_count(100);
    point.set_ok_count(90);
    point.set_failed_count(10);
    v1::VerdictCount& failure = *point.add_failures();
    failure.set_verdict(v1::VERDICT_TIMEOUT_STEP_2);
    failure.set_count(10);
    point.mutable_latency()->set_count(90);
    point.mutable_latency()->set_p50_us(1'000);
    point.mutable_latency()->set_p99_us(5'000);
    point.mutable_latency()->set_max_us(20'000);
  }
  v1::LoadRunEvent& event = *run.add_events();
  event.mutable_elapsed()->set_seconds(1);
  event.set_text("rate 100 -> 200");
  EXPECT_THAT(HtmlReport(run),
              AllOf(HasSubstr("1 s: median 1.00 ms, p99 5.00 ms, slowest 20.0 ms"),
                    HasSubstr("<li><b>1</b><span>1 s</span>rate 100 -&gt; 200</li>"),
                    HasSubstr("1 s: 10 failed\nTIMEOUT_STEP_2 10")));
}

int Times(const std::string& text, const std::string& part) {
  int times = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(HtmlReportTest, EachChartOverTimeMarksEachEventAndNamesTheModeFromThereOn) {
  v1::LoadRun run;
  for (int second = 2; second < 12; ++second) {
    v1::LoadPoint& point = *run.add_points();
    point.mutable_elapsed()->set_seconds(second);
    point.mutable_duration()->set_seconds(1);
    point.set_ok_count(90);
    point.set_failed_count(1);
    point.mutable_latency()->set_count(90);
    point.mutable_latency()->set_p50_us(1'000);
    point.mutable_latency()->set_max_us(20'000);
  }
  const auto add = [&run](double seconds, const std::string& text, v1::Mode mode) {
    v1::LoadRunEvent& event = *run.add_events();
    event.mutable_elapsed()->set_seconds(static_cast<int64_t>(seconds));
    event.mutable_elapsed()->set_nanos(static_cast<int32_t>(std::fmod(seconds, 1) * 1e9));
    event.set_text(text);
    event.set_mode(mode);
    run.set_event_count(run.event_count() + 1);
  };
  add(1, "mode switch epoll -> sequential", v1::MODE_SEQUENTIAL);  // in the warm-up
  add(3, "rate 1 -> 2", v1::MODE_UNSPECIFIED);
  add(7, "mode switch sequential -> coroutine", v1::MODE_COROUTINE);
  add(7.25, "mode switch coroutine -> io-uring", v1::MODE_IO_URING);
  add(12, "mode switch io-uring -> epoll", v1::MODE_EPOLL);
  const std::string page = HtmlReport(run);
  constexpr int kCharts = 4;
  const auto mark = [&page](const std::string& text) { return Times(page, text); };
  EXPECT_EQ(mark("<i class=\"mark\" style=\"left:10.00%\"><b>2</b></i>"), kCharts);
  EXPECT_EQ(mark("<i class=\"mark switch\" style=\"left:50.00%\"><b>3</b></i>"), kCharts)
      << "no room for a label";
  EXPECT_EQ(mark("<i class=\"mark switch\" style=\"left:52.50%\"><b>4</b><u>io-uring</u></i>"),
            kCharts);
  EXPECT_EQ(mark("left:100.00%\"><b>5</b><u class=\"before\">epoll</u></i>"), kCharts);
  EXPECT_EQ(mark("<u>sequential</u>"), 0) << "it happened before the charts begin";
  EXPECT_EQ(mark("<li><b class=\"switch\">1</b><span>1 s</span>mode switch epoll -&gt; sequential"),
            1);
}

}  // namespace
}  // namespace handshake::report

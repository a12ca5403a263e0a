#include "client/bottleneck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/load_run.h"

namespace handshake::client {
namespace {

using ::testing::HasSubstr;
using wire::Verdict;
using namespace std::chrono_literals;

LoadSpec OpenSpec() {
  LoadSpec spec;
  spec.open = OpenLoop{.rate = 1'000};
  return spec;
}

// 10,000 arrivals in 10 s, all ok: latency 2 ms, send lag 50 us, one thread busy a fifth of it.
LoadReport AnOpenReport() {
  LoadReport report;
  report.done = true;
  report.threads = 1;
  report.peak_connections = 1;
  report.measured = 10s;
  report.cpu = 2s;
  report.planned = report.started = 10'000;
  report.ended[static_cast<size_t>(Verdict::kOk)] = 10'000;
  report.intended.Record(2'000, 10'000);
  report.send_lag.Record(50, 10'000);
  return report;
}

Bottleneck Whose(const LoadSpec& spec, const LoadReport& report) {
  const Judgement judgement = Judge(spec, report);
  EXPECT_FALSE(judgement.why.empty());
  return judgement.bottleneck;
}

TEST(BottleneckTest, AnOpenLoopSentAsPlannedHasNone) {
  EXPECT_EQ(Whose(OpenSpec(), AnOpenReport()), Bottleneck::kNone);
  EXPECT_EQ(ShortfallOf(OpenSpec(), AnOpenReport()), "");
}

TEST(BottleneckTest, APauseIsNoTimeToBeBusyIn) {
  LoadReport report = AnOpenReport();
  report.cpu = 4s;
  LoadSpec closed;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kServer);
  report.paused_time = 5s;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kUnclear) << "busy 80% of what is left";
}

TEST(BottleneckTest, AShortfallGoesByTheMostThatWasAskedFor) {
  LoadReport report = AnOpenReport();
  LoadSpec closed;
  closed.concurrency = 10;
  report.peak_connections = 15;
  report.most_concurrency = 20;
  EXPECT_EQ(ShortfallOf(closed, report), "only 15 of 20 connections ever stood at once");
}

TEST(BottleneckTest, FiguresOfFewerConnectionsThanAskedAreNotTheServers) {
  LoadReport report = AnOpenReport();
  report.planned = 0;
  LoadSpec closed;
  closed.concurrency = 10;
  report.peak_connections = 10;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kServer);
  report.peak_connections = 9;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kUnclear);
  EXPECT_EQ(Judge(closed, report).why,
            "only 9 of 10 connections ever stood at once, and the generator's threads were busy "
            "20% of the time");
  report.done = false;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kServer) << "they may come yet";
  report.done = true;
  report.cpu = 9'500ms;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kGenerator);
  EXPECT_THAT(Judge(closed, report).why, HasSubstr("only 9 of 10 connections"));
  report.cpu = 2s;
  report.retransmitted_syns = 101;
  EXPECT_EQ(Whose(closed, report), Bottleneck::kServer) << "its queue was full";
}

TEST(BottleneckTest, DroppedArrivalsWithoutLagAreTheServers) {
  LoadReport report = AnOpenReport();
  report.planned += 500;
  report.dropped = 500;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kServer);
  EXPECT_EQ(ShortfallOf(OpenSpec(), report), "only 10000 of 10500 planned arrivals were begun");
}

TEST(BottleneckTest, ALagThatIsMostOfTheLatencyIsTheGenerators) {
  LoadReport report = AnOpenReport();
  report.send_lag.Record(1'500, 200);
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kGenerator);
  report.dropped = 500;  // whatever else there is
  report.planned += 500;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kGenerator);
}

TEST(BottleneckTest, ALagBesideALargeLatencyIsUnclear) {
  LoadReport report = AnOpenReport();
  report.send_lag.Record(1'500, 200);
  report.intended.Record(10'000, 200);
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kUnclear);
}

TEST(BottleneckTest, ASmallLagIsNobodysHoweverFastTheServer) {
  LoadReport report = AnOpenReport();
  report.intended = stats::Histogram(stats::kLoadLatencyLayout);
  report.intended.Record(60, 10'000);
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kNone);
}

TEST(BottleneckTest, ArrivalsNotSentAreTheGenerators) {
  LoadReport report = AnOpenReport();
  report.planned += 200;
  EXPECT_EQ(report.unsent(), 200);
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kGenerator);
}

TEST(BottleneckTest, OwnShortagesAreTheGenerators) {
  LoadReport report = AnOpenReport();
  report.ended[static_cast<size_t>(Verdict::kNoLocalResource)] = 1;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kGenerator);
}

TEST(BottleneckTest, TooFewHandshakesTellNothing) {
  LoadReport report;
  report.planned = report.started = 999;
  report.ended[static_cast<size_t>(Verdict::kOk)] = 999;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kUnclear);
  EXPECT_THAT(Judge(OpenSpec(), report).why, HasSubstr("1000"));
}

TEST(BottleneckTest, AClosedLoopIsJudgedByItsThreads) {
  LoadSpec spec;
  LoadReport report = AnOpenReport();
  report.planned = 0;
  report.threads = 2;
  report.cpu = 5s;
  EXPECT_EQ(Whose(spec, report), Bottleneck::kServer);
  report.cpu = 15s;
  EXPECT_EQ(Whose(spec, report), Bottleneck::kUnclear);
  report.cpu = 19s;
  EXPECT_EQ(Whose(spec, report), Bottleneck::kGenerator);
  EXPECT_THAT(Judge(spec, report).why, HasSubstr("busy 95% of the time"));
  spec.think_time = 1ms;
  report.cpu = 5s;
  EXPECT_EQ(Whose(spec, report), Bottleneck::kNone);
}

TEST(BottleneckTest, WithMuchStolenNothingCanBeTold) {
  LoadReport report = AnOpenReport();
  report.stolen_cpu_share = 0.049;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kNone);
  report.stolen_cpu_share = 0.05;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kUnclear);
  EXPECT_EQ(Whose(LoadSpec(), report), Bottleneck::kUnclear);
  EXPECT_THAT(Judge(OpenSpec(), report).why, HasSubstr("took 5% of its CPU time"));
  report.planned += 200;
  EXPECT_EQ(Whose(OpenSpec(), report), Bottleneck::kGenerator) << "it sent less than asked";
}

TEST(BottleneckTest, SynsSentAgainAreTheServersOtherSegmentsTheNetworks) {
  for (const LoadSpec& spec : {OpenSpec(), LoadSpec()}) {
    LoadReport report = AnOpenReport();
    report.planned = spec.open ? report.planned : 0;
    report.cpu = 7'500ms;
    const Bottleneck without = Whose(spec, report);
    report.retransmitted_segments = 100;
    EXPECT_EQ(Whose(spec, report), without) << "1 %, and no more";
    report.retransmitted_segments = 101;
    EXPECT_EQ(Whose(spec, report), Bottleneck::kUnclear);
    EXPECT_THAT(Judge(spec, report).why, HasSubstr("101 segments"));
    report.retransmitted_syns = 101;
    EXPECT_EQ(Whose(spec, report), Bottleneck::kServer);
    EXPECT_THAT(Judge(spec, report).why, HasSubstr("101 SYNs"));
  }
}

TEST(BottleneckTest, FewerConnectionsThanAskedAreAShortfall) {
  LoadSpec spec;
  spec.concurrency = 64;
  LoadReport report;
  report.started = 100;
  report.peak_connections = 57;
  EXPECT_EQ(ShortfallOf(spec, report), "") << "it goes on";
  report.done = true;
  EXPECT_EQ(ShortfallOf(spec, report), "only 57 of 64 connections ever stood at once");
  spec.count = 57;
  EXPECT_EQ(ShortfallOf(spec, report), "");
  spec.count = 60;
  spec.think_time = 1ms;
  EXPECT_EQ(ShortfallOf(spec, report), "");
}

TEST(BottleneckTest, WhatARunThatWasEndedLeftBehindIsNoShortfall) {
  LoadSpec spec;
  spec.open = OpenLoop{.rate = 1'000};
  LoadReport report;
  report.done = true;
  report.planned = 982;
  report.started = 979;
  EXPECT_EQ(ShortfallOf(spec, report), "only 979 of 982 planned arrivals were begun");
  report.stopped_by = "p50 > 1us: it is 2us";
  EXPECT_EQ(ShortfallOf(spec, report), "");
  report.stopped_by = "";
  report.cancelled = true;
  EXPECT_EQ(ShortfallOf(spec, report), "");
}

TEST(BottleneckTest, ARunThatMeasuredNothingSaysSo) {
  LoadReport report;
  report.done = true;
  EXPECT_THAT(ShortfallOf(LoadSpec(), report), HasSubstr("nothing was measured"));
}

}  // namespace
}  // namespace handshake::client

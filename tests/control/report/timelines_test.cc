#include "control/report/timelines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kUs = 1'000;

// Begins at `begin`, its nine segments take 1, 2, ... 9 us.
v1::ClientTimeline Client(int64_t x, int64_t begin) {
  v1::ClientTimeline timeline;
  timeline.set_sequence(x);
  timeline.set_begin_ns(begin);
  timeline.set_started_ns(begin + 1 * kUs);
  timeline.set_connected_ns(begin + 3 * kUs);
  timeline.set_reply_read_ns(begin + 28 * kUs);
  timeline.set_ended_ns(begin + 45 * kUs);
  return timeline;
}

v1::ClientTimelines Clients(const std::vector<v1::ClientTimeline>& timelines,
                            int64_t run_start_ns = 0) {
  v1::ClientTimelines clients;
  clients.set_run_start_ns(run_start_ns);
  for (const v1::ClientTimeline& timeline : timelines) *clients.add_timelines() = timeline;
  return clients;
}

void AddServer(int64_t x, int64_t begin, v1::CollectTimelinesResponse& to) {
  v1::ServerTimeline& timeline = *to.add_timelines();
  timeline.set_sequence(x);
  timeline.set_mode(v1::MODE_THREAD_POOL);
  timeline.set_verdict(v1::VERDICT_OK);
  timeline.set_accepted_ns(begin + 6 * kUs);
  timeline.set_picked_up_ns(begin + 10 * kUs);
  timeline.set_first_byte_ns(begin + 15 * kUs);
  timeline.set_replied_ns(begin + 21 * kUs);
  timeline.set_ended_ns(begin + 36 * kUs);
}

TEST(TimelinesTest, BothEndsOfAHandshakeAreJoined) {
  v1::CollectTimelinesResponse server;
  AddServer(20, 5'000'000, server);
  AddServer(30, 6'000'000, server);
  const auto joined =
      JoinTimelines(Clients({Client(10, 4'000'000), Client(20, 5'000'000)}, 1'000'000), server);
  EXPECT_EQ(joined.client_count(), 2);
  EXPECT_EQ(joined.server_count(), 2);
  EXPECT_THAT(joined.missing_reason(), IsEmpty());
  ASSERT_EQ(joined.timelines_size(), 1);
  const v1::HandshakeTimeline& timeline = joined.timelines(0);
  EXPECT_EQ(timeline.sequence(), 20);
  EXPECT_EQ(timeline.mode(), v1::MODE_THREAD_POOL);
  EXPECT_EQ(timeline.begin_ns(), 4'000'000);
  EXPECT_EQ(timeline.picked_up_ns(), 10 * kUs);
  EXPECT_EQ(timeline.ended_ns(), 45 * kUs);
  ASSERT_EQ(joined.segments_size(), 10);
  int64_t expected = 0;
  for (int i = 0; i < 9; ++i) {
    expected += kUs;
    EXPECT_EQ(joined.segments(i).p50_ns(), expected) << joined.segments(i).name();
  }
  EXPECT_EQ(joined.segments(0).name(), "send lag");
  EXPECT_EQ(joined.segments(9).name(), "whole");
  EXPECT_EQ(joined.segments(9).max_ns(), 45 * kUs);
}

TEST(TimelinesTest, WhatTheTwoEndsNoticeInTheOtherOrderCountsAsAtOnce) {
  v1::CollectTimelinesResponse server;
  AddServer(20, 0, server);
  server.mutable_timelines(0)->set_accepted_ns(2 * kUs);  // before connect() had returned
  const auto joined = JoinTimelines(Clients({Client(20, 0)}), server);
  ASSERT_EQ(joined.segments_size(), 10);
  EXPECT_EQ(joined.timelines(0).accepted_ns(), 2 * kUs);
  EXPECT_EQ(joined.segments(2).p50_ns(), 0);
  EXPECT_EQ(joined.segments(3).p50_ns(), 7 * kUs);
  int64_t sum = 0;
  for (int i = 0; i < 9; ++i) sum += joined.segments(i).p50_ns();
  EXPECT_EQ(sum, joined.segments(9).p50_ns());
}

TEST(TimelinesTest, AnUnknownPickUpIsAtTheFirstByte) {
  v1::CollectTimelinesResponse server;
  AddServer(20, 0, server);
  server.mutable_timelines(0)->set_picked_up_ns(0);
  const auto joined = JoinTimelines(Clients({Client(20, 0)}), server);
  EXPECT_EQ(joined.timelines(0).picked_up_ns(), joined.timelines(0).first_byte_ns());
}

TEST(TimelinesTest, AnothersHandshakeWithTheSameXIsNotTaken) {
  const v1::ClientTimelines client = Clients({Client(20, 5'000'000)});
  v1::CollectTimelinesResponse server;
  AddServer(20, 4'000'000, server);  // before it
  AddServer(20, 6'000'000, server);  // behind it
  EXPECT_THAT(JoinTimelines(client, server).missing_reason(),
              HasSubstr("no sample is at both ends: 1 here, 2 at the server"));
  AddServer(20, 5'000'000, server);
  EXPECT_EQ(JoinTimelines(client, server).timelines_size(), 1);
  AddServer(20, 5'000'000, server);  // which of the two?
  EXPECT_EQ(JoinTimelines(client, server).timelines_size(), 0);
  server.mutable_timelines(3)->set_verdict(v1::VERDICT_TIMEOUT_STEP_3);
  EXPECT_EQ(JoinTimelines(client, server).timelines_size(), 1);
}

TEST(TimelinesTest, PercentilesAreNearestRanks) {
  v1::CollectTimelinesResponse server;
  v1::ClientTimelines client;
  for (int64_t i = 1; i <= 200; ++i) {
    v1::ClientTimeline& timeline = *client.add_timelines();
    timeline = Client(i, i * 1'000'000);
    AddServer(i, timeline.begin_ns(), server);
    timeline.set_ended_ns(timeline.begin_ns() + 36 * kUs + i);
  }
  const v1::LoadTimelines joined = JoinTimelines(client, server);
  const v1::TimelineSegment& close = joined.segments(8);
  EXPECT_EQ(close.p50_ns(), 100);
  EXPECT_EQ(close.p99_ns(), 198);
  EXPECT_EQ(close.max_ns(), 200);
}

TEST(TimelinesTest, TheTableDrawsTheSlowest) {
  v1::CollectTimelinesResponse server;
  AddServer(20, 0, server);
  AddServer(30, 1'000'000, server);
  v1::ClientTimelines client = Clients({Client(20, 0), Client(30, 1'000'000)});
  client.mutable_timelines(1)->set_ended_ns(client.timelines(1).ended_ns() + 45 * kUs);
  v1::LoadTimelines joined = JoinTimelines(client, server);
  joined.set_sequence_stride(10);
  const std::string table = TimelinesTable(joined, {});
  EXPECT_THAT(table, AllOf(ContainsRegex("TIMELINES ms +P50 +P99 +MAX +SLOWEST +X 30, thread-pool"),
                           ContainsRegex("service +0.006 +0.006 +0.006 +0.006 +==?\n"),
                           ContainsRegex("close +0.009 +0.054 +0.054 +0.054 +={16,20}\n"),
                           ContainsRegex("whole +0.045 +0.090 +0.090 +0.090 +={30}\n"),
                           HasSubstr("2 handshakes, those whose X is a multiple of 10\n")));
}

TEST(TimelinesTest, WhyThereAreNoneIsSaid) {
  v1::LoadTimelines none;
  EXPECT_THAT(TimelinesTable(none, {}), IsEmpty());
  none.set_missing_reason("nothing answers");
  EXPECT_THAT(TimelinesTable(none, {}), ContainsRegex("no timelines +nothing answers"));
}

TEST(TimelinesTest, NumbersThatNoClockShowsDoNoHarm) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  v1::CollectTimelinesResponse server;
  AddServer(20, 0, server);
  server.mutable_timelines(0)->set_accepted_ns(kHuge);
  server.mutable_timelines(0)->set_replied_ns(kLowest);
  const auto joined = JoinTimelines(Clients({Client(20, 0)}, kLowest), server);
  EXPECT_EQ(joined.timelines_size(), 1);
  TimelinesTable(joined, {});
}

}  // namespace
}  // namespace handshake::report

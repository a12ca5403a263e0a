#include "control/report/switch_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace handshake::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kStart = 1'748'786'585;

// From half a second behind kStart.
v1::LoadRun TenSeconds() {
  v1::LoadRun run;
  run.mutable_start_time()->set_seconds(kStart);
  run.mutable_start_time()->set_nanos(500'000'000);
  run.mutable_elapsed()->set_seconds(10);
  return run;
}

// So many milliseconds behind kStart.
v1::ModeSwitch Switch(int64_t generation, v1::Mode from, v1::Mode to, int64_t ms) {
  v1::ModeSwitch change;
  change.set_generation(generation);
  change.set_from(from);
  change.set_to(to);
  change.mutable_request_time()->set_seconds(kStart + ms / 1'000);
  change.mutable_request_time()->set_nanos(static_cast<int32_t>(ms % 1'000) * 1'000'000);
  return change;
}

v1::ListModeSwitchesResponse NewestFirst(const std::vector<v1::ModeSwitch>& switches) {
  v1::ListModeSwitchesResponse response;
  for (auto change = switches.rbegin(); change != switches.rend(); ++change) {
    *response.add_mode_switches() = *change;
  }
  return response;
}

std::vector<std::string> TextsOf(const v1::LoadRun& run) {
  std::vector<std::string> texts;
  for (const v1::LoadRunEvent& event : run.events()) texts.push_back(event.text());
  return texts;
}

TEST(SwitchEventsTest, TheyStandAmongTheOthersWhereTheirTimePutsThem) {
  v1::LoadRun run = TenSeconds();
  for (const int second : {1, 4}) {
    v1::LoadRunEvent& event = *run.add_events();
    event.mutable_elapsed()->set_seconds(second);
    event.set_text("at " + std::to_string(second));
  }
  run.set_event_count(2);
  AddSwitchEvents(NewestFirst({Switch(4, v1::MODE_EPOLL, v1::MODE_THREAD_POOL, 2'250),
                               Switch(5, v1::MODE_THREAD_POOL, v1::MODE_IO_URING, 9'000)}),
                  3, run);
  EXPECT_THAT(TextsOf(run), ElementsAre("at 1", "mode switch epoll -> thread-pool", "at 4",
                                        "mode switch thread-pool -> io-uring"));
  EXPECT_EQ(run.events(1).elapsed().seconds(), 1);
  EXPECT_EQ(run.events(1).elapsed().nanos(), 750'000'000);
  EXPECT_EQ(run.events(1).mode(), v1::MODE_THREAD_POOL);
  EXPECT_EQ(run.events(0).mode(), v1::MODE_UNSPECIFIED);
  EXPECT_EQ(run.event_count(), 4);
}

TEST(SwitchEventsTest, OnlyThoseDuringTheRunAreItsOwn) {
  v1::LoadRun run = TenSeconds();
  AddSwitchEvents(NewestFirst({Switch(3, v1::MODE_EPOLL, v1::MODE_COROUTINE, 5'000),
                               Switch(4, v1::MODE_COROUTINE, v1::MODE_EPOLL, 499),
                               Switch(5, v1::MODE_EPOLL, v1::MODE_COROUTINE, 10'501)}),
                  3, run);
  EXPECT_THAT(TextsOf(run), IsEmpty());
  EXPECT_EQ(run.event_count(), 0);
  AddSwitchEvents(NewestFirst({Switch(4, v1::MODE_COROUTINE, v1::MODE_EPOLL, 500),
                               Switch(5, v1::MODE_EPOLL, v1::MODE_COROUTINE, 10'500)}),
                  3, run);
  EXPECT_EQ(run.events_size(), 2) << "its first and its last moment are part of it";
}

TEST(SwitchEventsTest, AnotherNumberOfWorkersIsToldByIt) {
  v1::LoadRun run = TenSeconds();
  v1::ModeSwitch two = Switch(4, v1::MODE_EPOLL, v1::MODE_EPOLL, 1'000);
  two.set_worker_count(2);
  v1::ModeSwitch one = Switch(5, v1::MODE_EPOLL, v1::MODE_EPOLL, 2'000);
  one.set_worker_count(1);
  AddSwitchEvents(NewestFirst({two, one}), 3, run);
  EXPECT_THAT(TextsOf(run), ElementsAre("mode switch epoll -> epoll, 2 workers",
                                        "mode switch epoll -> epoll, 1 worker"));
}

TEST(SwitchEventsTest, TheFirstThousandAreKeptAndAllAreCounted) {
  v1::LoadRun run = TenSeconds();
  for (int i = 0; i < 999; ++i) run.add_events()->mutable_elapsed()->set_seconds(3);
  run.set_event_count(5'000);
  AddSwitchEvents(NewestFirst({Switch(4, v1::MODE_EPOLL, v1::MODE_COROUTINE, 2'500),
                               Switch(5, v1::MODE_COROUTINE, v1::MODE_EPOLL, 6'500)}),
                  3, run);
  EXPECT_EQ(run.events_size(), 1'000);
  EXPECT_EQ(run.events(0).text(), "mode switch epoll -> coroutine");
  EXPECT_EQ(run.events(999).elapsed().seconds(), 3);
  EXPECT_EQ(run.event_count(), 5'002);
}

TEST(SwitchEventsTest, TimesThatNobodyMeasuredDoNotOverflow) {
  for (const int64_t seconds :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    v1::LoadRun run = TenSeconds();
    v1::ModeSwitch change = Switch(4, v1::MODE_EPOLL, v1::MODE_COROUTINE, 0);
    change.mutable_request_time()->set_seconds(seconds);
    change.mutable_request_time()->set_nanos(std::numeric_limits<int32_t>::min());
    AddSwitchEvents(NewestFirst({change}), 3, run);
    EXPECT_THAT(TextsOf(run), IsEmpty());
  }
}

}  // namespace
}  // namespace handshake::report

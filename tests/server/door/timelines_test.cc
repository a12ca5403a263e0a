#include "server/door/timelines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/wire/server_handshake.h"

namespace handshake::server {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

const wire::HandshakeProtocol& LineProtocol() {
  static const wire::HandshakeProtocol protocol{
      wire::HandshakeOptions{.framing = wire::Framing::kLine}};
  return protocol;
}

class TimelinesTest : public ::testing::Test {
 protected:
  // One that has been read message 1 of `x`, as far as it is known, 3 us after its accept.
  Connection Hello(int64_t x) {
    const wire::TimePoint accepted = wire::Clock::now();
    Connection connection = {.session = wire::Session(LineProtocol(), accepted),
                             .fd = net::UniqueFd(),
                             .birth_mode = Mode::kThreadPool};
    timelines_.NoteServed(connection, accepted + 2us);
    timelines_.NoteServed(connection, accepted + 3us);
    connection.first_byte_us = 3;
    const std::string message = "HELLO " + std::to_string(x) + "\n";
    connection.session.OnReceived(message, accepted + 3us);
    return connection;
  }
  void End(Connection& connection) {
    connection.session.Abort(wire::Verdict::kClosedByOperator);
    timelines_.NoteEnded(connection);
  }
  void Converse(int64_t x) {
    Connection connection = Hello(x);
    timelines_.NoteReply(connection);
    End(connection);
  }
  int64_t Record(const TimelineOptions& options) {
    const absl::StatusOr<int64_t> recording = timelines_.Record(options, wire::Clock::now());
    EXPECT_TRUE(recording.ok()) << recording.status();
    return recording.value_or(0);
  }
  Timelines::Collected Collect(int64_t recording) {
    const auto collected = timelines_.Collect(recording);
    EXPECT_TRUE(collected.ok()) << collected.status();
    return collected.value_or(Timelines::Collected{});
  }

  Timelines timelines_;
};

TEST_F(TimelinesTest, NothingIsNotedUnlessItIsRecorded) {
  Connection connection = Hello(100);
  timelines_.NoteReply(connection);
  EXPECT_EQ(connection.sample, Connection::kNoSample);
  EXPECT_EQ(connection.picked_up_us, Connection::kNotYet);
  EXPECT_EQ(timelines_.Collect(0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(timelines_.Collect(1).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(TimelinesTest, ASampleHasItsTimesInOrder) {
  const int64_t recording = Record({.stride = 10, .length = 1min});
  for (int64_t x = 0; x < 30; ++x) Converse(x);
  const auto collected = Collect(recording);
  ASSERT_EQ(collected.ended.size(), 3);
  EXPECT_EQ(collected.open, 0);
  for (size_t i = 0; i < 3; ++i) {
    const Timeline& timeline = collected.ended[i];
    EXPECT_EQ(timeline.sequence, static_cast<int64_t>(i) * 10);
    EXPECT_EQ(timeline.mode, Mode::kThreadPool);
    EXPECT_EQ(timeline.verdict, wire::Verdict::kClosedByOperator);
    EXPECT_EQ(timeline.picked_up, timeline.accepted + 2us);
    EXPECT_EQ(timeline.first_byte, timeline.accepted + 3us);
    EXPECT_LE(timeline.accepted, timeline.replied);
    EXPECT_LE(timeline.replied, timeline.ended);
  }
  EXPECT_EQ(Collect(recording).ended.size(), 3);  // again
}

TEST_F(TimelinesTest, WhatWasPickedUpBeforeIsUnset) {
  Connection connection = Hello(100);
  const int64_t recording = Record({.length = 1min});
  timelines_.NoteServed(connection, wire::Clock::now());
  timelines_.NoteReply(connection);
  End(connection);
  const auto collected = Collect(recording);
  ASSERT_EQ(collected.ended.size(), 1);
  EXPECT_FALSE(collected.ended.front().picked_up.has_value());
}

TEST_F(TimelinesTest, AnErrorIsNoReply) {
  const int64_t recording = Record({.length = 1min});
  Connection connection = Hello(100);
  connection.session.Abort(wire::Verdict::kShed);
  timelines_.NoteReply(connection);
  EXPECT_EQ(connection.sample, Connection::kNoSample);
  EXPECT_EQ(Collect(recording).ended.size(), 0);
}

TEST_F(TimelinesTest, ItTakesNoMoreThanItWants) {
  const int64_t recording = Record({.most = 5, .length = 1min});
  for (int64_t x = 0; x < 20; ++x) Converse(x);
  EXPECT_EQ(Hello(20).picked_up_us, Connection::kNotYet);  // it has disarmed
  EXPECT_EQ(Collect(recording).ended.size(), 5);
}

TEST_F(TimelinesTest, ItEndsByTime) {
  const int64_t recording = Record({.length = 1ns});
  for (int64_t x = 0; x < 20; ++x) Converse(x);
  EXPECT_EQ(Collect(recording).ended.size(), 0);
  Record({.length = 1min});
}

// As a client does that is still there: one that is not leaves a recording that ends by itself.
TEST_F(TimelinesTest, ItIsExtendedWhileItGoesOn) {
  const wire::TimePoint begin = wire::Clock::now();
  ASSERT_TRUE(timelines_.Record({.length = 1min}, begin).ok());
  EXPECT_EQ(timelines_.Record({.length = 1min}, begin + 59s).status().code(),
            absl::StatusCode::kAborted);
  EXPECT_TRUE(timelines_.Extend(1, 1min, begin + 59s).ok());
  EXPECT_EQ(timelines_.Record({.length = 1min}, begin + 118s).status().code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(timelines_.Record({.length = 1min}, begin + 120s).value_or(0), 2);
  EXPECT_EQ(timelines_.Extend(1, 1min, begin).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(timelines_.Extend(2, 2min, begin).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TimelinesTest, OneThatHasEndedIsNotExtended) {
  const int64_t recording = Record({.length = 1ns});
  Converse(1);
  ASSERT_TRUE(timelines_.Extend(recording, 1min, wire::Clock::now()).ok());
  Converse(2);
  EXPECT_EQ(Collect(recording).ended.size(), 0);
  EXPECT_EQ(timelines_.Extend(0, 1min, wire::Clock::now()).code(), absl::StatusCode::kNotFound);
}

TEST_F(TimelinesTest, OnlyOneIsRecorded) {
  const int64_t first = Record({.length = 1min});
  EXPECT_EQ(timelines_.Record({.length = 1min}, wire::Clock::now()).status().code(),
            absl::StatusCode::kAborted);
  Collect(first);
  const int64_t second = Record({.length = 1min});
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(timelines_.Collect(first).status().code(), absl::StatusCode::kNotFound);
}

// Those that are open keep their places: nobody else's sample is written over.
TEST_F(TimelinesTest, WhatIsStillOpenDoesNotDisturbTheNext) {
  std::vector<Connection> open;
  const int64_t first = Record({.length = 1min});
  for (int64_t x = 0; x < 100; ++x) {
    open.push_back(Hello(x));
    timelines_.NoteReply(open.back());
    Converse(1'000 + x);
  }
  EXPECT_EQ(Collect(first).open, 100);
  EXPECT_EQ(Collect(first).ended.size(), 100);
  // More than there are places, were they not used again.
  for (int round = 0; round < 3; ++round) {
    const int64_t next = Record({.most = kMostTimelines, .length = 1min});
    for (int64_t x = 0; x < kMostTimelines; ++x) Converse(5'000);
    if (round == 1) {
      for (Connection& connection : open) End(connection);
    }
    const auto collected = Collect(next);
    EXPECT_GE(collected.ended.size(), kMostTimelines - 2);
    EXPECT_EQ(collected.open, 0);
    for (const Timeline& timeline : collected.ended) ASSERT_EQ(timeline.sequence, 5'000);
  }
}

TEST_F(TimelinesTest, BadOptionsAreRefused) {
  const auto refusal = [&](const TimelineOptions& options) {
    const absl::Status status = timelines_.Record(options, wire::Clock::now()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(refusal({.stride = 0, .length = 1min}), HasSubstr("stride"));
  EXPECT_THAT(refusal({.most = 0, .length = 1min}), HasSubstr("from 1 to 10000, not 0"));
  EXPECT_THAT(refusal({.most = kMostTimelines + 1, .length = 1min}), HasSubstr("samples"));
  EXPECT_THAT(refusal({.length = 0s}), HasSubstr("above 0"));
  EXPECT_THAT(refusal({.length = 61s}), HasSubstr("at most 1m"));
}

}  // namespace
}  // namespace handshake::server

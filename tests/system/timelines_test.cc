// Where the time of sampled handshakes went, by whole processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "handshake/v1/load_service.pb.h"
#include "tests/control/ctl/process.h"
#include "tests/system/daemon.h"

namespace handshake::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class TimelinesSystemTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.started()); }
  Ended Load(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"load", target_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunToEnd(HANDSHAKE_CLIENT, arguments);
  }
  static v1::LoadTimelines Read(const Ended& ended) {
    v1::LoadRun run;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &run).ok())
        << ended.out << ended.err;
    return run.timelines();
  }

  const Daemon server_{HANDSHAKE_SERVER, {"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}};
  const std::string target_ = server_.AddressAfter("listening on ");
  const std::string control_ = server_.AddressAfter("control on ");
};

TEST_F(TimelinesSystemTest, EveryModeTellsBothEndsOfTheSameHandshakes) {
  for (const char* mode :
       {"sequential", "thread-per-connection", "thread-pool", "epoll", "coroutine", "io-uring"}) {
    SCOPED_TRACE(mode);
    ASSERT_EQ(RunToEnd(HANDSHAKECTL, {"--endpoint", control_, "mode", "set", mode}).exit_code, 0);
    const Ended ended = Load({"--rate", "500", "--count", "100", "--server", control_,
                              "--timelines", "20", "-o", "json"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    const v1::LoadTimelines timelines = Read(ended);
    EXPECT_EQ(timelines.missing_reason(), "");
    EXPECT_EQ(timelines.sequence_stride(), 5);
    EXPECT_EQ(timelines.client_count(), 20);
    EXPECT_EQ(timelines.server_count(), 20);
    EXPECT_EQ(timelines.timelines_size(), 20);
    EXPECT_EQ(timelines.segments_size(), 10);
    for (const v1::HandshakeTimeline& timeline : timelines.timelines()) {
      EXPECT_EQ(timeline.sequence() % 5, 0);
      EXPECT_GE(timeline.started_ns(), 0);
      EXPECT_LE(timeline.started_ns(), timeline.connected_ns());
      EXPECT_LE(timeline.started_ns(), timeline.accepted_ns());
      EXPECT_LE(timeline.accepted_ns(), timeline.picked_up_ns());
      EXPECT_LE(timeline.picked_up_ns(), timeline.first_byte_ns());
      EXPECT_LE(timeline.connected_ns(), timeline.first_byte_ns() + 1'000);
      EXPECT_LE(timeline.first_byte_ns(), timeline.replied_ns());
      EXPECT_LE(timeline.replied_ns(), timeline.reply_read_ns());
      EXPECT_LE(timeline.reply_read_ns(), timeline.server_ended_ns());
      EXPECT_LE(timeline.server_ended_ns(), timeline.ended_ns());
    }
  }
}

TEST_F(TimelinesSystemTest, AClosedLoopShowsATable) {
  const Ended ended =
      Load({"--concurrency", "4", "--count", "200", "--server", control_, "--timelines", "50"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(ContainsRegex("TIMELINES ms +P50 +P99 +MAX +SLOWEST +X [0-9]+, epoll"),
                    ContainsRegex("accept wait +[0-9]"), ContainsRegex("whole .*=====")));
}

// The run is the server's own, or an agent's: both keep their half, and the operator joins them.
TEST_F(TimelinesSystemTest, AnOperatorsRunHasThemToo) {
  const Daemon agent(HANDSHAKE_CLIENT, {"agent", "--control", "127.0.0.1:0"});
  ASSERT_TRUE(agent.started());
  const std::vector<std::string> kRuns[] = {
      {"--endpoint", control_, "load", "start", target_},
      {"--endpoint", agent.AddressAfter("control on "), "load", "start", target_, "--server",
       control_},
  };
  for (std::vector<std::string> run : kRuns) {
    run.insert(run.end(), {"--rate", "500", "--count", "100", "--timelines", "20", "-o", "json"});
    const Ended ended = RunToEnd(HANDSHAKECTL, run);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    const v1::LoadTimelines timelines = Read(ended);
    EXPECT_EQ(timelines.missing_reason(), "");
    EXPECT_EQ(timelines.server_endpoint(), control_);
    EXPECT_EQ(timelines.sequence_stride(), 5);
    EXPECT_EQ(timelines.client_count(), 20);
    EXPECT_EQ(timelines.timelines_size(), 20);
    EXPECT_EQ(timelines.segments_size(), 10);
  }
  const Ended table = RunToEnd(HANDSHAKECTL, {"--endpoint", control_, "load", "start", target_,
                                              "--count", "200", "--timelines", "50"});
  EXPECT_THAT(table.out, ContainsRegex("TIMELINES ms +P50 +P99 +MAX +SLOWEST +X [0-9]+, epoll"));
  // An agent's endpoint is no server's.
  const Ended nobody =
      RunToEnd(HANDSHAKECTL, {"--endpoint", agent.AddressAfter("control on "), "load", "start",
                              target_, "--count", "5", "--timelines", "5"});
  EXPECT_EQ(nobody.exit_code, 0) << nobody.err;
  EXPECT_THAT(nobody.out, ContainsRegex("no timelines +.* is no server that records timelines"));
}

TEST_F(TimelinesSystemTest, WhatCannotBeIsSaid) {
  const Ended nobody = Load({"--count", "5", "--server", "127.0.0.1:1", "--timelines", "5"});
  EXPECT_EQ(nobody.exit_code, 0);
  EXPECT_THAT(nobody.out, ContainsRegex("no timelines +nothing answers at 127.0.0.1:1"));
  const Ended alone = Load({"--count", "5", "--timelines", "5"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--timelines requires --server"));
  EXPECT_EQ(Load({"--count", "5", "--server", control_, "--timelines", "10001"}).exit_code, 2);
  EXPECT_EQ(Load({"--count", "5", "--server", control_, "--timelines", "0"}).exit_code, 2);
  EXPECT_EQ(
      Load({"--hold", "5", "--for", "1s", "--server", control_, "--timelines", "5"}).exit_code, 2);
}

}  // namespace
}  // namespace handshake::testing

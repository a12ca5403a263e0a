#include "common/wire/handshake_stage.h"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace handshake::wire {
namespace {

using enum Stage;
using enum StageEvent;

constexpr std::array kAllStages = {
    kReadHello, kWriteReply, kReadConfirm,  kWriteError, kShutdown, kDiscard, kWriteHello,
    kReadReply, kProbe,      kWriteConfirm, kReadEnd,    kClose,    kReset};
constexpr std::array kAllEvents = {kMessage, kSent, kQuiet, kShut, kEndOfStream, kTellPeer, kFail};
static_assert(kAllStages.size() == kStageCount && kAllEvents.size() == kStageEventCount);

std::set<Stage> ReachableFrom(Stage first) {
  std::set<Stage> reached = {first};
  std::vector<Stage> open = {first};
  while (!open.empty()) {
    const Stage stage = open.back();
    open.pop_back();
    for (StageEvent event : kAllEvents) {
      const std::optional<Stage> next = NextStage(stage, event);
      if (next && reached.insert(*next).second) open.push_back(*next);
    }
  }
  return reached;
}

// A stated yes or no for every stage and event.
TEST(HandshakeStage, EveryMoveIsStated) {
  constexpr auto kNo = std::optional<Stage>();
  using Row = std::array<std::optional<Stage>, kStageEventCount>;
  const std::array<Row, kStageCount> expected = {{
      // message, sent, quiet, shut, end, tell, fail
      {{kWriteReply, kNo, kNo, kNo, kNo, kWriteError, kReset}},    // kReadHello
      {{kNo, kReadConfirm, kNo, kNo, kNo, kNo, kReset}},           // kWriteReply
      {{Stage::kClose, kNo, kNo, kNo, kNo, kWriteError, kReset}},  // kReadConfirm
      {{kNo, kShutdown, kNo, kNo, kNo, kNo, kReset}},              // kWriteError
      {{kNo, kNo, kNo, kDiscard, kNo, kNo, Stage::kClose}},        // kShutdown
      {{kNo, kNo, kNo, kNo, Stage::kClose, kNo, Stage::kClose}},   // kDiscard
      {{kNo, kReadReply, kNo, kNo, kNo, kNo, kReset}},             // kWriteHello
      {{kProbe, kNo, kNo, kNo, kNo, kNo, kReset}},                 // kReadReply
      {{kNo, kNo, kWriteConfirm, kNo, kNo, kNo, kReset}},          // kProbe
      {{kNo, kReadEnd, kNo, kNo, kNo, kNo, kReset}},               // kWriteConfirm
      {{kNo, kNo, kNo, kNo, Stage::kClose, kNo, kReset}},          // kReadEnd
      {{kNo, kNo, kNo, kNo, kNo, kNo, kNo}},                       // kClose
      {{kNo, kNo, kNo, kNo, kNo, kNo, kNo}},                       // kReset
  }};
  for (int stage = 0; stage < kStageCount; ++stage) {
    for (int event = 0; event < kStageEventCount; ++event) {
      EXPECT_EQ(NextStage(kAllStages[stage], kAllEvents[event]), expected[stage][event])
          << "stage " << stage << ", event " << event;
    }
  }
}

TEST(HandshakeStage, NoMoveIsStatedTwice) {
  std::set<std::pair<Stage, StageEvent>> seen;
  for (const StageMove& move : kStageMoves) {
    EXPECT_TRUE(seen.insert({move.from, move.event}).second);
  }
}

TEST(HandshakeStage, EachRoleReachesItsOwnStagesAndNoOther) {
  const std::set<Stage> server = {kReadHello, kWriteReply, kReadConfirm,  kWriteError,
                                  kShutdown,  kDiscard,    Stage::kClose, kReset};
  const std::set<Stage> client = {kWriteHello, kReadReply,    kProbe, kWriteConfirm,
                                  kReadEnd,    Stage::kClose, kReset};
  EXPECT_EQ(ReachableFrom(kReadHello), server);
  EXPECT_EQ(ReachableFrom(kWriteHello), client);
}

TEST(HandshakeStage, EveryStageCanFailAndNoneCanComeBack) {
  for (Stage stage : kAllStages) {
    const bool ended = TraitsOf(stage).need == Need::kEnd;
    EXPECT_EQ(NextStage(stage, kFail).has_value(), !ended);
    for (StageEvent event : kAllEvents) {
      const std::optional<Stage> next = NextStage(stage, event);
      if (!next) continue;
      EXPECT_FALSE(ReachableFrom(*next).contains(stage));
    }
  }
}

TEST(HandshakeStage, TheDrawnPathsAreLegal) {
  using Path = std::initializer_list<std::pair<StageEvent, Stage>>;
  const auto walk = [](Stage stage, Path path) {
    for (const auto& [event, to] : path) {
      ASSERT_EQ(NextStage(stage, event), to);
      stage = to;
    }
  };
  walk(kReadHello, {{kMessage, kWriteReply}, {kSent, kReadConfirm}, {kMessage, Stage::kClose}});
  walk(kWriteHello, {{kSent, kReadReply},
                     {kMessage, kProbe},
                     {kQuiet, kWriteConfirm},
                     {kSent, kReadEnd},
                     {kEndOfStream, Stage::kClose}});
  walk(kReadConfirm, {{kTellPeer, kWriteError},
                      {kSent, kShutdown},
                      {kShut, kDiscard},
                      {kEndOfStream, Stage::kClose}});
}

TEST(HandshakeStage, TraitsNameTheStep) {
  EXPECT_EQ(TraitsOf(kReadHello).step, 1);
  EXPECT_EQ(TraitsOf(kWriteReply).step, 2);
  EXPECT_EQ(TraitsOf(kReadConfirm).step, 3);
  EXPECT_EQ(TraitsOf(kWriteHello).step, 1);
  EXPECT_EQ(TraitsOf(kReadReply).step, 2);
  for (Stage stage : {kProbe, kWriteConfirm, kReadEnd}) EXPECT_EQ(TraitsOf(stage).step, 3);
}

}  // namespace
}  // namespace handshake::wire

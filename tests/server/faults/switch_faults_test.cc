// Switches that cannot be made, cross each other, or pile up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/stats/process_usage.h"
#include "server/door/cpus.h"
#include "server/door/mode.h"
#include "server/mode_switch.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/interpose.h"

namespace handshake::test {
namespace {

using server::Mode;
using server::SwitchRecord;
using server::SwitchRequest;
using std::chrono::milliseconds;

SwitchRequest To(Mode target) {
  SwitchRequest request;
  request.target = target;
  request.requested_by = "test";
  return request;
}

class SwitchFaultsTest : public DataPlaneFixture {
 protected:
  // Fails each call of that kind that a switch makes in turn, until a switch makes no further one.
  void FailEachInTurn(Mode from, Mode to, Call call, int error) {
    constexpr int kMost = 200;
    for (int64_t skip = 0; skip < kMost; ++skip) {
      const int64_t generation = plane_->generation();
      Interpose::Reset();
      Interpose::FailNext(call, error, 1, skip);
      const auto record = plane_->Switch(To(to));
      const bool failed = Interpose::Failures(call) > 0;
      Interpose::FailNext(call, error, 0);
      if (record.ok()) {
        EXPECT_EQ(plane_->generation(), generation + 1);
        ASSERT_TRUE(plane_->Switch(To(from)).ok());
        if (!failed) return;
        continue;  // what failed was not needed after all
      }
      EXPECT_TRUE(failed) << record.status();
      EXPECT_EQ(record.status().code(), absl::StatusCode::kFailedPrecondition) << record.status();
      EXPECT_FALSE(record.status().message().empty());
      EXPECT_EQ(plane_->generation(), generation);
      EXPECT_EQ(plane_->mode(), from);
    }
    ADD_FAILURE() << "a switch makes " << kMost << " such calls and more";
  }
};

TEST_F(SwitchFaultsTest, ModeThatCannotStartLeavesTheOldOneUntouched) {
  engine_.pool_threads = 4;
  for (Mode to : server::kModes) {
    const Mode from = to == Mode::kEpoll ? Mode::kThreadPool : Mode::kEpoll;
    SCOPED_TRACE(std::string(server::ModeName(from)) + " to " + std::string(server::ModeName(to)));
    Start(from);
    // The load needs threads too while thread-per-connection serves: none then, so that only the
    // switch's own calls fail.
    FailEachInTurn(from, to, Call::kThreadCreate, EAGAIN);
    LoadProcess load(address(), {.busy = 4});
    FailEachInTurn(from, to, Call::kEventFd, EMFILE);
    FailEachInTurn(from, to, Call::kEpollCreate1, EMFILE);
    FailEachInTurn(from, to, Call::kRingSetup, ENOMEM);
    ASSERT_TRUE(WaitUntil([&] { return totals().completed > 0; }));
    FinishAndCheck(load);
  }
}

TEST_F(SwitchFaultsTest, FailedSwitchesLeaveNoThreadAndNoDescriptor) {
  const int rounds = kSanitized ? 20 : 100;
  engine_.pool_threads = 8;
  Start(Mode::kEpoll);
  auto fail = [&] {
    Interpose::FailNext(Call::kThreadCreate, EAGAIN, 1, 5);
    EXPECT_EQ(plane_->Switch(To(Mode::kThreadPool)).status().code(),
              absl::StatusCode::kFailedPrecondition);
  };
  fail();
  const stats::ProcessUsage before = stats::ReadProcessUsage();
  for (int i = 0; i < rounds; ++i) fail();
  EXPECT_TRUE(WaitUntil([&] {
    const stats::ProcessUsage now = stats::ReadProcessUsage();
    return now.thread_count <= before.thread_count && now.open_fd_count <= before.open_fd_count;
  })) << "failed switches leave something behind";
  EXPECT_EQ(plane_->generation(), 1);
}

TEST_F(SwitchFaultsTest, OneOfManyCallersWins) {
  constexpr int kCallers = 16;
  const int rounds = IsCampaign() ? 625 : 25;  // a campaign makes 10^4 calls
  Start(Mode::kEpoll);
  LoadProcess load(address(), {.busy = 4, .held = 12, .silence_ms = 20});
  int64_t generation = 1;
  std::atomic<int> won, aborted, other;
  std::barrier start(kCallers + 1), end(kCallers + 1);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < rounds; ++round) {
        start.arrive_and_wait();
        // Any but the active one.
        const auto active = static_cast<int>(plane_->mode());
        const int target = (active + 1 + caller % (server::kModeCount - 1)) % server::kModeCount;
        SwitchRequest request = To(static_cast<Mode>(target));
        request.expected_generation = generation;
        request.drain_timeout = milliseconds(caller);
        const auto record = plane_->Switch(request);
        if (record.ok()) {
          ++won;
        } else if (record.status().code() == absl::StatusCode::kAborted) {
          ++aborted;
        } else {
          ++other;
        }
        end.arrive_and_wait();
      }
    });
  }
  for (int round = 0; round < rounds; ++round) {
    won = aborted = other = 0;
    start.arrive_and_wait();
    end.arrive_and_wait();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(aborted, kCallers - 1);
    EXPECT_EQ(other, 0);
    EXPECT_EQ(plane_->generation(), generation + 1);
    generation = plane_->generation();
  }
  for (std::thread& caller : callers) caller.join();
  FinishAndCheck(load);
}

TEST_F(SwitchFaultsTest, StaleGenerationIsAborted) {
  Start(Mode::kEpoll);
  SwitchRequest request = To(Mode::kSequential);
  request.expected_generation = 7;
  EXPECT_EQ(plane_->Switch(request).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(plane_->mode(), Mode::kEpoll);
}

TEST_F(SwitchFaultsTest, RepeatedRequestChangesNothing) {
  Start(Mode::kEpoll);
  SwitchRequest request = To(Mode::kSequential);
  request.request_id = "once";
  request.expected_generation = 1;
  const auto first = plane_->Switch(request);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(plane_->Switch(To(Mode::kThreadPool)).ok());
  const auto again = plane_->Switch(request);  // though its generation is over
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(plane_->mode(), Mode::kThreadPool);
  EXPECT_EQ(plane_->generation(), 3);

  SwitchRequest another = request;
  another.target = Mode::kEpoll;
  EXPECT_EQ(plane_->Switch(another).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SwitchFaultsTest, DryRunChangesNothing) {
  Start(Mode::kEpoll);
  SwitchRequest request = To(Mode::kThreadPool);
  request.dry_run = true;
  const auto record = plane_->Switch(request);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->state, SwitchRecord::State::kDryRun);
  EXPECT_EQ(record->id, 0);
  Interpose::FailNext(Call::kThreadCreate, EAGAIN, 1);
  EXPECT_EQ(plane_->Switch(request).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(plane_->mode(), Mode::kEpoll);
  EXPECT_EQ(plane_->generation(), 1);
  EXPECT_TRUE(plane_->ListSwitches().empty());
}

TEST_F(SwitchFaultsTest, ActiveModeIsUnchanged) {
  Start(Mode::kEpoll);
  const auto record = plane_->Switch(To(Mode::kEpoll));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->state, SwitchRecord::State::kUnchanged);
  EXPECT_EQ(plane_->generation(), 1);
}

TEST_F(SwitchFaultsTest, WorkersOutOfRange) {
  Start(Mode::kEpoll);
  const auto cpus = static_cast<int64_t>(plane_->options().engine.cpus.size());
  for (const int64_t workers : {int64_t{-1}, cpus + 1}) {
    SwitchRequest request = To(Mode::kEpoll);
    request.workers = workers;
    EXPECT_EQ(plane_->Switch(request).status().code(), absl::StatusCode::kInvalidArgument);
  }
  SwitchRequest request = To(Mode::kThreadPool);
  request.workers = 1;
  const absl::Status refused = plane_->Switch(request).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("thread-pool has no workers"));
  EXPECT_EQ(plane_->generation(), 1);
}

TEST_F(SwitchFaultsTest, MoreWorkersThanCpusDoNotStart) {
  server::DataPlaneOptions options;
  options.listeners.push_back({*net::Address::Parse("127.0.0.1:0"), {}});
  options.engine.cpus = {server::AllowedCpus().front()};
  options.engine.workers = 2;
  const auto plane = server::DataPlane::Start(options);
  EXPECT_EQ(plane.status().code(), absl::StatusCode::kInvalidArgument) << plane.status();
}

TEST_F(SwitchFaultsTest, DrainTimeoutOutOfRange) {
  Start(Mode::kEpoll);
  for (const auto timeout : {milliseconds(-1), server::kMaxDrainTimeout + milliseconds(1)}) {
    SwitchRequest request = To(Mode::kSequential);
    request.drain_timeout = timeout;
    EXPECT_EQ(plane_->Switch(request).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(plane_->mode(), Mode::kEpoll);
}

TEST_F(SwitchFaultsTest, ThirdSwitchEndsTheOldestDrain) {
  constexpr int kSilent = 3;
  Start(Mode::kEpoll, PatientHandshake());
  std::vector<std::unique_ptr<LoadProcess>> loads;  // one that is silent in each generation
  std::vector<int64_t> ids;
  for (Mode target : {Mode::kThreadPerConnection, Mode::kThreadPool, Mode::kEpoll}) {
    loads.push_back(std::make_unique<LoadProcess>(address(), LoadShape{.one_byte = kSilent}));
    const auto expected = static_cast<int64_t>(loads.size()) * kSilent;
    ASSERT_TRUE(WaitUntil([&] { return totals().accepted == expected; }));
    SwitchRequest request = To(target);
    request.drain_timeout = server::kMaxDrainTimeout;
    const auto record = plane_->Switch(request);
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_LE(record->switch_time, milliseconds(kTimed ? 50 : 2'000)) << "it waited for a drain";
    ids.push_back(record->id);
  }
  EXPECT_TRUE(WaitUntil([&] {
    return plane_->GetSwitch(ids.front())->state == SwitchRecord::State::kCompleted;
  })) << "the oldest drain goes on";
  EXPECT_EQ(plane_->GetSwitch(ids.front())->handed_over, kSilent);
  EXPECT_TRUE(WaitUntil([&] { return NewSnapshot()->draining_engine_count == 2; }));
  EXPECT_EQ(plane_->GetSwitch(ids[1])->state, SwitchRecord::State::kDraining);
  EXPECT_EQ(plane_->GetSwitch(ids[2])->state, SwitchRecord::State::kDraining);
  for (const auto& load : loads) EXPECT_EQ(load->Finish().ok(), kSilent);
  EXPECT_EQ(TotalsOf(*AtRest()).completed, 3 * kSilent);
}

}  // namespace
}  // namespace handshake::test

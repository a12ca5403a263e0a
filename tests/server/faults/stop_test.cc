// The end of the data plane: bounded in time whatever its clients do, and the ledger adds up.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "common/wire/verdict.h"
#include "server/door/mode.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/mode_tour.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"

namespace handshake::test {
namespace {

using server::Mode;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Beyond the drain timeout: a tick, the threads' ends, and a loaded machine.
constexpr milliseconds kGrace{kSanitized ? 10'000 : 1'000};

server::SwitchRequest To(Mode target) {
  server::SwitchRequest request;
  request.target = target;
  request.drain_timeout = milliseconds(5);
  return request;
}

int64_t ClosedAtShutdown(const server::Snapshot& snapshot) {
  int64_t sum = 0;
  for (const server::ModeStats& mode : snapshot.modes) {
    sum += mode.ended[static_cast<size_t>(wire::Verdict::kClosedAtShutdown)];
  }
  return sum;
}

class StopTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {
 protected:
  void StopAndCheck(milliseconds drain_timeout) {
    const auto began = steady_clock::now();
    plane_->Stop(drain_timeout);
    EXPECT_LE(steady_clock::now() - began, drain_timeout + kGrace);
    const auto final = plane_->Stats();
    const Totals totals = TotalsOf(*final);
    EXPECT_EQ(totals.in_flight, 0);
    EXPECT_EQ(totals.accepted, totals.completed + totals.failed);
    EXPECT_EQ(totals.failed, ClosedAtShutdown(*final)) << "somebody failed for another reason";
    EXPECT_EQ(final->lobby_count, 0);
    EXPECT_EQ(plane_->Switch(To(Mode::kEpoll)).status().code(), absl::StatusCode::kUnavailable);
  }
};

TEST_P(StopTest, SilentClientsDoNotHoldItUp) {
  constexpr int kSilent = 20;
  Start(GetParam(), PatientHandshake());
  LoadProcess load(address(), {.one_byte = kSilent});
  const bool few = GetParam() == Mode::kSequential || GetParam() == Mode::kThreadPool;
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= (few ? 1 : kSilent); }));
  StopAndCheck(milliseconds(100));
  EXPECT_GE(ClosedAtShutdown(*plane_->Stats()), few ? 1 : kSilent);
}

TEST_P(StopTest, LobbyIsServedToTheEnd) {
  constexpr int kSilent = 20;
  Start(Mode::kEpoll, PatientHandshake());
  LoadProcess load(address(), {.one_byte = kSilent});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight == kSilent; }));
  SwitchDriver driver(*plane_);
  const Mode target = GetParam() == Mode::kEpoll ? Mode::kThreadPool : GetParam();
  ASSERT_TRUE(driver.Switch(target, milliseconds(0)));
  ASSERT_TRUE(driver.Settle());
  EXPECT_EQ(NewSnapshot()->lobby_count, kSilent);
  // They finish while the data plane stops: who keeps his deadlines is not lost.
  std::thread stop([&] { plane_->Stop(std::chrono::seconds(20)); });
  const Tally tally = load.Finish();
  stop.join();
  EXPECT_EQ(tally.ok(), kSilent) << tally.line();
  EXPECT_EQ(tally.lost(), 0) << tally.line();
  EXPECT_EQ(totals().completed, kSilent);
}

TEST_P(StopTest, InTheMiddleOfSwitches) {
  for (int round = 0; round < 5; ++round) {
    Start(GetParam());
    LoadProcess load(address(), {.busy = 8, .held = 30, .silence_ms = 50});
    ASSERT_TRUE(WaitUntil([&] { return totals().completed > 50; }));
    std::atomic<bool> began{false};
    std::thread operator_thread([&] {
      while (true) {
        for (Mode target : ModeTour()) {
          const auto record = plane_->Switch(To(target));
          if (!record.ok()) {
            EXPECT_EQ(record.status().code(), absl::StatusCode::kUnavailable) << record.status();
            return;
          }
          began = true;
        }
      }
    });
    ASSERT_TRUE(WaitUntil([&] { return began.load(); }));
    StopAndCheck(milliseconds(200));
    operator_thread.join();
  }
}

TEST_P(StopTest, ClientsOfTheLastMomentAreServed) {
  Start(GetParam());
  LoadProcess load(address(), {.busy = 8});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed > 50; }));
  StopAndCheck(std::chrono::seconds(5));
  EXPECT_EQ(ClosedAtShutdown(*plane_->Stats()), 0) << "there was time enough for all of them";
}

INSTANTIATE_TEST_SUITE_P(Modes, StopTest, testing::ValuesIn(server::kModes),
                         [](const testing::TestParamInfo<Mode>& mode) {
                           std::string name(server::ModeName(mode.param));
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace handshake::test

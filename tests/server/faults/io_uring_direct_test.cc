// Connections without descriptors: more of them than the process may have open files, and what that
// means for those who must have one after all: who leaves, who is late, who is there at the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/stats/process_usage.h"
#include "common/wire/verdict.h"
#include "server/door/cpus.h"
#include "server/door/fd_reserve.h"
#include "server/door/mode.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/interpose.h"
#include "tests/support/raw_client.h"

namespace handshake::test {
namespace {

using server::Mode;
using std::chrono::milliseconds;
using testing::HasSubstr;

class IoUringDirectTest : public DataPlaneFixture {
 protected:
  IoUringDirectTest() { engine_.io_uring_direct = kConnections; }

  void SetUp() override {
    DataPlaneFixture::SetUp();
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit_), 0);
  }
  void TearDown() override {
    plane_.reset();
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit_), 0);
    DataPlaneFixture::TearDown();
  }

  // Leaves descriptors for `connections` (below 0: not even for those there are), beside what the
  // server keeps for others.
  void LimitTo(int64_t connections) const {
    const int64_t most = stats::ReadProcessUsage().open_fd_count + server::FdReserve::kGrowth +
                         server::FdReserve::kSize + connections;
    const rlimit low = {.rlim_cur = static_cast<rlim_t>(std::max<int64_t>(most, 64)),
                        .rlim_max = limit_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  }
  void LiftLimit() const { ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit_), 0); }

  absl::Status SwitchTo(Mode target) {
    server::SwitchRequest request;
    request.target = target;
    request.drain_timeout = wire::Duration::zero();
    return plane_->Switch(request).status();
  }

  int64_t Ended(wire::Verdict verdict) const {
    const auto& stats = plane_->Stats()->modes[static_cast<size_t>(Mode::kIoUring)];
    return stats.ended[static_cast<size_t>(verdict)];
  }

  static constexpr int64_t kConnections = 6'000;
  rlimit limit_{};
};

TEST_F(IoUringDirectTest, HoldsMoreThanItHasDescriptorsForAndAllFinish) {
  constexpr int kCrowd = kSanitized ? 1'500 : 3'000;
  LimitTo(500);  // several rings: a table is no larger than the limit
  Start(Mode::kIoUring, PatientHandshake());
  const int64_t open_before = stats::ReadProcessUsage().open_fd_count;
  EXPECT_EQ(plane_->ListModes()[static_cast<size_t>(Mode::kIoUring)].max_concurrent, kConnections);
  LoadProcess load(address(), {.busy = 3, .one_byte = kCrowd});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kCrowd; }));
  EXPECT_LE(stats::ReadProcessUsage().open_fd_count, open_before + 8);
  FinishAndCheck(load);
}

// All of a ring's places are taken: whoever comes waits in the queue, and nobody is turned away.
class PlacesTest : public IoUringDirectTest, public testing::WithParamInterface<int64_t> {};

TEST_P(PlacesTest, TheQueueWaitsForOne) {
  constexpr int kPlaces = 50;
  engine_.io_uring_direct = kPlaces;
  engine_.workers = GetParam();
  Start(Mode::kIoUring, PatientHandshake());
  LoadProcess load(address(), {.one_byte = 3 * kPlaces});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kPlaces; }));
  ASSERT_TRUE(
      WaitUntil([&] { return NewSnapshot()->listeners.front().accept_queue == 2 * kPlaces; }));
  EXPECT_EQ(totals().in_flight, kPlaces);
  FinishAndCheck(load);
}

// Wherever they come in, whatever ring has room.
INSTANTIATE_TEST_SUITE_P(
    Workers, PlacesTest,
    testing::Range<int64_t>(
        1, std::min<int64_t>(2, static_cast<int64_t>(server::AllowedCpus().size())) + 1));

TEST_F(IoUringDirectTest, ASwitchThatWouldLeaveSomeBehindIsRefusedWithTheNumbers) {
  constexpr int kCrowd = 700;
  LimitTo(500);
  Start(Mode::kIoUring, PatientHandshake());
  LoadProcess load(address(), {.busy = 1, .one_byte = kCrowd});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kCrowd; }));
  const absl::Status refused = SwitchTo(Mode::kEpoll);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("--io-uring-direct"));
  EXPECT_EQ(plane_->mode(), Mode::kIoUring);
  EXPECT_EQ(plane_->generation(), 1);
  LiftLimit();
  const absl::Status made = SwitchTo(Mode::kEpoll);
  EXPECT_TRUE(made.ok()) << made;
  EXPECT_TRUE(WaitUntil([&] { return plane_->Stats()->lobby_count >= kCrowd; }));
  FinishAndCheck(load);
}

// Into every other mode and back, with clients at all points of the handshake.
TEST_F(IoUringDirectTest, ComesAndGoesUnderLoad) {
  const int laps = kSanitized ? 1 : 4;
  Start(Mode::kIoUring);
  LoadProcess load(address(), {.busy = 8, .held = 60, .silence_ms = 100});
  SwitchDriver driver(*plane_);
  for (int lap = 0; lap < laps; ++lap) {
    for (const Mode other : server::kModes) {
      if (other == Mode::kIoUring) continue;
      for (const Mode target : {other, Mode::kIoUring}) {
        const int64_t before = totals().completed;
        ASSERT_TRUE(WaitUntil([&] { return totals().completed > before + 20; }));
        ASSERT_TRUE(driver.Switch(target, milliseconds(lap % 3)));
      }
    }
  }
  FinishAndCheck(load);
  EXPECT_TRUE(driver.Settle());
  EXPECT_GT(driver.handed_over(), 0) << "void";
}

TEST_F(IoUringDirectTest, RequestsThatFailAreMadeAgain) {
  constexpr std::array kReceiveErrors = {ENOBUFS, ENOMEM, ECANCELED};
  Interpose::FailShare(Call::kRingReceive, kReceiveErrors, 100'000, 5);
  Interpose::LimitSend(3);
  Start(Mode::kIoUring);
  LoadProcess load(address(), {.busy = 8, .held = 12, .silence_ms = 20});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= (kSanitized ? 500 : 3'000); }));
  EXPECT_GT(Interpose::Failures(Call::kRingReceive), 100) << "void: nothing was injected";
  FinishAndCheck(load);
}

// Who gets no descriptor is served on where he is, until there is one.
TEST_F(IoUringDirectTest, AHandOverThatRunsOutOfDescriptorsGoesOnLater) {
  constexpr std::array kErrors = {EMFILE, ENFILE};
  constexpr int kCrowd = 300;
  Start(Mode::kIoUring, PatientHandshake());
  LoadProcess load(address(), {.busy = 3, .one_byte = kCrowd});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kCrowd; }));
  Interpose::FailShare(Call::kRingInstall, kErrors, 1'000'000, 3);
  ASSERT_TRUE(SwitchTo(Mode::kEpoll).ok());
  ASSERT_TRUE(WaitUntil([] { return Interpose::Failures(Call::kRingInstall) > 100; }));
  EXPECT_EQ(plane_->Stats()->lobby_count, 0);
  load.Nudge();  // served by the engine that cannot let them go
  Interpose::FailShare(Call::kRingInstall, kErrors, 500'000, 3);
  ASSERT_TRUE(WaitUntil([&] { return NewSnapshot()->draining_engine_count == 0; }));
  FinishAndCheck(load);
}

// Nor do those behind him wait who have one.
TEST_F(IoUringDirectTest, AHandOverGoesRoundThoseForWhomThereIsNoDescriptor) {
  constexpr int kWithout = 40;
  constexpr int kWith = 300;
  engine_.workers = 1;
  Start(Mode::kIoUring, PatientHandshake());
  LoadProcess without(address(), {.one_byte = kWithout});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight == kWithout; }));
  ASSERT_TRUE(SwitchTo(Mode::kEpoll).ok());
  LoadProcess with(address(), {.busy = 1, .one_byte = kWith});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kWithout + kWith; }));
  ASSERT_TRUE(SwitchTo(Mode::kIoUring).ok());
  LoadProcess late(address(), {.one_byte = kWithout});  // the first places of the new table
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= 2 * kWithout + kWith; }));
  with.Nudge();
  ASSERT_TRUE(WaitUntil([&] { return NewSnapshot()->lobby_count == kWithout; }));
  server::SwitchRequest request;
  request.target = Mode::kEpoll;
  request.drain_timeout = milliseconds(200);
  ASSERT_TRUE(plane_->Switch(request).ok());
  LimitTo(-2 * kWith);  // after the switch was granted
  EXPECT_TRUE(WaitUntil([&] { return NewSnapshot()->lobby_count >= kWithout + kWith; }));
  LiftLimit();
  EXPECT_EQ(late.Finish().lost(), 0);
  EXPECT_EQ(without.Finish().lost(), 0);
  EXPECT_EQ(with.Finish().lost(), 0);
  EXPECT_EQ(TotalsOf(*AtRest()).failed, 0);
}

// The deadline holds for those too for whom there is no descriptor, and so no farewell.
TEST_F(IoUringDirectTest, WhoIsLateWithoutADescriptorIsReset) {
  constexpr std::array kErrors = {EMFILE};
  constexpr int kLate = 20;
  Start(Mode::kIoUring, {.framing = wire::Framing::kLine, .step_timeout = milliseconds(1'500)});
  Interpose::FailShare(Call::kRingInstall, kErrors, 1'000'000, 3);
  std::vector<std::unique_ptr<RawClient>> late;
  for (int i = 0; i < kLate; ++i) {
    late.push_back(std::make_unique<RawClient>(address()));
    late.back()->Send("HELLO 1\n");
    EXPECT_EQ(late.back()->Receive(8), "HELLO 2\n");
  }
  for (const auto& client : late) {
    const RawClient::Rest rest = client->ReceiveAll();
    EXPECT_EQ(rest.bytes, "");
    EXPECT_EQ(StreamEndName(rest.end), "RST");
  }
  EXPECT_TRUE(WaitUntil([&] { return Ended(wire::Verdict::kTimeoutStep3) == kLate; }));
  Interpose::FailShare(Call::kRingInstall, kErrors, 0, 3);
  RawClient with_one(address());
  EXPECT_THAT(with_one.ReceiveAll().bytes, HasSubstr("ERROR TIMEOUT_STEP_1"));
}

// Their descriptors are in use, and only their leaving would free some.
TEST_F(IoUringDirectTest, AStopEndsThoseWhoCameWithADescriptorToo) {
  constexpr int kCrowd = 400;
  Start(Mode::kEpoll, PatientHandshake());
  LoadProcess load(address(), {.busy = 1, .one_byte = kCrowd});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kCrowd; }));
  ASSERT_TRUE(SwitchTo(Mode::kIoUring).ok());
  ASSERT_TRUE(WaitUntil([&] { return NewSnapshot()->lobby_count >= kCrowd; }));
  LoadProcess fresh(address(), {.one_byte = 50});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= kCrowd + 50; }));
  load.Nudge();  // into the rings, with their descriptors
  ASSERT_TRUE(WaitUntil([&] { return NewSnapshot()->lobby_count == 0; }));
  LimitTo(-2 * kCrowd);  // not even then
  const auto began = std::chrono::steady_clock::now();
  plane_->Stop(milliseconds(50));
  EXPECT_LE(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_GE(Ended(wire::Verdict::kClosedAtShutdown), 50);
  EXPECT_EQ(totals().in_flight, 0);
}

TEST_F(IoUringDirectTest, AStopEndsMoreThanItHasDescriptorsFor) {
  constexpr int kCrowd = 2'000;
  LimitTo(500);
  Start(Mode::kIoUring, PatientHandshake());
  LoadProcess load(address(), {.one_byte = kCrowd});
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight == kCrowd; }));
  plane_->Stop(milliseconds(50));
  EXPECT_EQ(Ended(wire::Verdict::kClosedAtShutdown), kCrowd);
  EXPECT_EQ(totals().in_flight, 0);
}

TEST_F(IoUringDirectTest, TheListSaysThatTheLimitLeavesNoRoom) {
  const rlimit low = {.rlim_cur = 400, .rlim_max = limit_.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Start(Mode::kEpoll);
  const server::ModeInfo listed = plane_->ListModes()[static_cast<size_t>(Mode::kIoUring)];
  EXPECT_FALSE(listed.available);
  EXPECT_THAT(listed.unavailable_reason, HasSubstr("ulimit -n"));
  EXPECT_FALSE(SwitchTo(Mode::kIoUring).ok());
  EXPECT_EQ(plane_->mode(), Mode::kEpoll);
}

TEST_F(IoUringDirectTest, MoreThanTheRingsThereMayBeIsNamed) {
  engine_.io_uring_direct = 10'000'000;
  server::DataPlaneOptions options;
  options.listeners = {{*net::Address::Parse("127.0.0.1:0"), {}}};
  options.mode = Mode::kIoUring;
  options.engine = engine_;
  LimitTo(1'000);
  const absl::Status status = server::DataPlane::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("--io-uring-direct"));
}

// Message 1 is there, and the peer is not: the answer cannot be sent.
TEST_F(IoUringDirectTest, WhoHasLeftBeforeTheAnswerIsGoneAtOnce) {
  Interpose::FailNext(Call::kSend, ECONNRESET, 1'000'000, /*skip=*/1);  // the client's own
  Start(Mode::kIoUring, PatientHandshake());
  RawClient client(address());
  client.Send("HELLO 1\n");
  EXPECT_TRUE(WaitUntil([&] { return Ended(wire::Verdict::kPeerResetStep2) == 1; }));
  EXPECT_LE(Interpose::Calls(Call::kSend), 3) << "it spins";
}

TEST_F(IoUringDirectTest, ALimitThatLeavesNoRoomForATableIsNamed) {
  const rlimit low = {.rlim_cur = 400, .rlim_max = limit_.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  server::DataPlaneOptions options;
  options.listeners = {{*net::Address::Parse("127.0.0.1:0"), {}}};
  options.mode = Mode::kIoUring;
  options.engine = engine_;
  const absl::Status status = server::DataPlane::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("ulimit -n"));
}

// Of the rings that wait at a listener the kernel wakes one. A connection that comes while that one
// is leaving must not wait for the next to come.
TEST_F(IoUringDirectTest, NobodyWaitsBetweenTwoRings) {
  if (server::AllowedCpus().size() < 2) GTEST_SKIP() << "one CPU only";
  const int rounds = kSanitized ? 100 : 1'000;
  Start(Mode::kIoUring);
  for (int i = 0; i < rounds; ++i) {
    server::SwitchRequest request;
    request.target = Mode::kIoUring;
    request.workers = 2 - i % 2;
    std::thread switching([&] { EXPECT_TRUE(plane_->Switch(request).ok()); });
    // At some time of the switch, which takes about a millisecond.
    const auto connect_at = std::chrono::steady_clock::now() + std::chrono::microseconds(i % 1'500);
    while (std::chrono::steady_clock::now() < connect_at) std::this_thread::yield();
    RawClient client(address());
    client.Send("HELLO 1\n");
    const std::string answer = client.Receive(8);
    switching.join();
    ASSERT_EQ(answer, "HELLO 2\n") << "round " << i;
    client.Send("HELLO 3\n");
    EXPECT_EQ(StreamEndName(client.ReceiveAll().end), "FIN");
  }
}

// A stop right behind a look: the wake-up of the one must not swallow the other's.
TEST_F(IoUringDirectTest, AStopBehindALookIsSeenOnAnIdleServer) {
  if (server::AllowedCpus().size() < 2) GTEST_SKIP() << "one CPU only";
  const int rounds = kSanitized ? 20 : 200;
  for (int i = 0; i < rounds; ++i) {
    Start(Mode::kIoUring);
    server::SwitchRequest request;
    request.target = Mode::kIoUring;
    request.workers = 2;
    ASSERT_TRUE(plane_->Switch(request).ok());
    const auto began = std::chrono::steady_clock::now();
    plane_->Stop(milliseconds(0));
    ASSERT_LE(std::chrono::steady_clock::now() - began, std::chrono::seconds(5)) << "round " << i;
  }
}

}  // namespace
}  // namespace handshake::test

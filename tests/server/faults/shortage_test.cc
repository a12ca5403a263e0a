// Descriptors and threads run out under load: accepting pauses and recovers, nothing is lost.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/net/unique_fd.h"
#include "common/stats/process_usage.h"
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
using std::chrono::steady_clock;

constexpr int64_t kForEver = 1'000'000'000;
constexpr int kPoolThreads = 4;

class ShortageTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {
 protected:
  ShortageTest() { engine_.pool_threads = kPoolThreads; }

  // Has anything been completed since `before`?
  bool GoesOn(int64_t before) {
    return WaitUntil([&] { return totals().completed > before; });
  }
};

TEST_P(ShortageTest, AcceptPausesWithoutSpinningAndRecovers) {
  // Pauses of 10, 20, 40, 80, 160, 200, 200 ms lie between eight attempts of one taker. Each thread
  // of a pool comes to the door once more when it has served its last connection.
  constexpr int64_t kAttempts = 8 + kPoolThreads;
  constexpr milliseconds kAtLeast{300};
  Interpose::AcceptOneByOne();
  Start(GetParam());
  LoadProcess load(address(), {.busy = 8});
  ASSERT_TRUE(GoesOn(100)) << "void: no load";

  const auto cpu_before = stats::ReadProcessUsage().cpu;
  const auto starved = steady_clock::now();
  Interpose::FailNext(Call::kAccept4, EMFILE, kForEver);
  ASSERT_TRUE(WaitUntil([] { return Interpose::Failures(Call::kAccept4) >= kAttempts; }));
  const auto took = steady_clock::now() - starved;
  EXPECT_GE(took, kAtLeast) << "it spins";
  if (kTimed) {
    const auto cpu = stats::ReadProcessUsage().cpu - cpu_before;
    EXPECT_LE(cpu, took / 10) << "it spins";
  }

  const int64_t before = totals().completed;
  Interpose::FailNext(Call::kAccept4, EMFILE, 0);
  const auto relieved = steady_clock::now();
  EXPECT_TRUE(GoesOn(before)) << "accepting was not taken up again";
  // The longest pause, a tick of the statistics, and room for a loaded machine.
  EXPECT_LE(steady_clock::now() - relieved, milliseconds(kTimed ? 1'000 : 5'000));
  FinishAndCheck(load);
}

TEST_P(ShortageTest, DescriptorLimitIsMetAndLifted) {
  constexpr int kClients = 60;
  constexpr int kRoom = 40;  // for the data plane itself and some of the clients
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit low = {.rlim_cur = static_cast<rlim_t>(stats::ReadProcessUsage().open_fd_count +
                                                      kRoom + server::FdReserve::kSize),
                      .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Start(GetParam(), PatientHandshake());
  LoadProcess load(address(), {.busy = 3, .one_byte = kClients});
  // A mode that serves few at a time does not get there: it fills its own places.
  const bool gets_there = ServesMany(GetParam());
  if (gets_there) {
    EXPECT_TRUE(WaitUntil([&] { return NewSnapshot()->listeners.front().accept_queue > 0; }));
    // Others in this process still get what they need.
    std::vector<net::UniqueFd> others;
    for (int i = 0; i < server::FdReserve::kSize / 2; ++i) {
      others.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
      EXPECT_TRUE(others.back()) << "no descriptor is left for control";
    }
    EXPECT_LT(totals().accepted, kClients);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  FinishAndCheck(load);
}

// Early clients leave a full process: their low numbers must not pass for room.
TEST_P(ShortageTest, HolesAreNoRoom) {
  if (!server::HasWorkers(GetParam())) GTEST_SKIP() << "this mode does not fill a process";
  constexpr int kLimit = 6'000;  // above what a ring accepts unseen
  constexpr int kEarly = 4;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit low = {.rlim_cur = kLimit, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Start(GetParam(), PatientHandshake());
  std::vector<std::unique_ptr<RawClient>> early;
  for (int i = 0; i < kEarly; ++i) early.push_back(std::make_unique<RawClient>(address()));
  ASSERT_TRUE(WaitUntil([&] { return totals().accepted == kEarly; }));
  LoadProcess load(address(), {.one_byte = kLimit + 200});
  ASSERT_TRUE(WaitUntil([&] { return NewSnapshot()->listeners.front().accept_queue > 0; }));
  const int64_t full = totals().in_flight;
  early.clear();
  ASSERT_TRUE(WaitUntil([&] { return totals().failed == kEarly; }));
  // Their ends of our own are closed too, so as many again may come, and no more.
  ASSERT_TRUE(WaitUntil([&] { return totals().in_flight >= full; }));
  std::vector<net::UniqueFd> others;
  for (int i = 0; i < server::FdReserve::kSize / 2; ++i) {
    others.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(others.back()) << "no descriptor is left for control, with " << i;
  }
  others.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  load.Finish();
}

INSTANTIATE_TEST_SUITE_P(Modes, ShortageTest, testing::ValuesIn(server::kModes),
                         [](const testing::TestParamInfo<Mode>& mode) {
                           std::string name(server::ModeName(mode.param));
                           std::erase(name, '-');
                           return name;
                         });

class ReactorShortageTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {};

// After a pause a reactor takes from a door that it does not watch; it must watch it again although
// the door never was empty.
TEST_P(ReactorShortageTest, AFullTurnAfterAPauseIsNotTheLast) {
  constexpr int kQueued = 1'200;  // more than a reactor takes in one turn
  Start(GetParam(), PatientHandshake());
  Interpose::FailNext(Call::kAccept4, EMFILE, kForEver);
  std::vector<net::UniqueFd> clients;
  for (int i = 0; i < kQueued; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(clients.back().get(), address().data(), address().size()), 0);
  }
  ASSERT_TRUE(WaitUntil([] { return Interpose::Failures(Call::kAccept4) > 0; }));
  Interpose::FailNext(Call::kAccept4, EMFILE, 0);
  EXPECT_TRUE(WaitUntil([&] { return totals().accepted == kQueued; })) << totals().accepted;
}

// What the kernel has no memory to watch goes to the lobby, which cannot watch it either and offers
// it at once: without a pause the two would pass it to and fro.
TEST_P(ReactorShortageTest, WithoutMemoryToWatchItPausesAndRecovers) {
  constexpr int64_t kHandOvers = 7;  // between them pauses of 10, 20, 40, 80, 160 and 200 ms
  constexpr milliseconds kAtLeast{300};
  engine_.workers = 1;
  Start(GetParam(), PatientHandshake());
  Interpose::FailNext(Call::kEpollCtl, ENOMEM, kForEver);
  const auto starved = steady_clock::now();
  LoadProcess load(address(), {.one_byte = 8});
  ASSERT_TRUE(WaitUntil([&] { return totals().handed_over >= kHandOvers; }));
  EXPECT_GE(steady_clock::now() - starved, kAtLeast) << "it spins";
  Interpose::FailNext(Call::kEpollCtl, ENOMEM, 0);
  FinishAndCheck(load);
}

INSTANTIATE_TEST_SUITE_P(Modes, ReactorShortageTest,
                         testing::Values(Mode::kEpoll, Mode::kCoroutine),
                         [](const testing::TestParamInfo<Mode>& mode) {
                           return std::string(server::ModeName(mode.param));
                         });

class FrameShortageTest : public DataPlaneFixture {};

TEST_F(FrameShortageTest, AConnectionWithoutAFrameComesBack) {
  engine_.workers = 1;
  Start(Mode::kCoroutine);
  // The first connection needs memory for its record, then for its frame.
  Interpose::FailNext(Call::kMap, ENOMEM, 1, /*skip=*/1);
  LoadProcess load(address(), {.busy = 1});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= 10; }));
  EXPECT_EQ(Interpose::Failures(Call::kMap), 1);
  EXPECT_EQ(totals().handed_over, 1);
  FinishAndCheck(load);
}

class ThreadShortageTest : public DataPlaneFixture {};

TEST_F(ThreadShortageTest, ConnectionsWaitUntilThereAreThreadsAgain) {
  Start(Mode::kThreadPerConnection);
  Interpose::FailNext(Call::kThreadCreate, EAGAIN, 8);
  LoadProcess load(address(), {.busy = 4, .held = 12, .silence_ms = 20});
  ASSERT_TRUE(WaitUntil([] { return Interpose::Failures(Call::kThreadCreate) == 8; }));
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= 200; }));
  EXPECT_GE(totals().handed_over, 8) << "where were those without a thread?";
  FinishAndCheck(load);
}

TEST_F(ThreadShortageTest, NowAndThen) {
  constexpr int64_t kHandshakes = kSanitized ? 500 : 5'000;
  constexpr int kErrors[] = {EAGAIN};
  Start(Mode::kThreadPerConnection);
  Interpose::FailShare(Call::kThreadCreate, kErrors, 20'000, 7);
  LoadProcess load(address(), {.busy = 8, .held = 12, .silence_ms = 20});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= kHandshakes; }));
  EXPECT_GT(Interpose::Failures(Call::kThreadCreate), 0) << "void: no thread was refused";
  FinishAndCheck(load);
}

}  // namespace
}  // namespace handshake::test

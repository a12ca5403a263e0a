// Calls that fail for a moment, and answers that go out a byte at a time, in every mode and across
// switches: the ledger stays exact and nobody notices.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include "server/door/mode.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/mode_tour.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/interpose.h"

namespace handshake::test {
namespace {

using server::Mode;
using std::chrono::milliseconds;

constexpr std::array kAcceptErrors = {EINTR, ECONNABORTED, EAGAIN, EPROTO};
constexpr std::array kShortageErrors = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
constexpr std::array kTransferErrors = {EINTR, EAGAIN};

class CallFaultsTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {
 protected:
  // A twentieth of all calls fails.
  static void FailNowAndThen() {
    constexpr int kShare = 50'000;
    Interpose::AcceptOneByOne();
    Interpose::FailShare(Call::kAccept4, kAcceptErrors, kShare, 1);
    Interpose::FailShare(Call::kRecv, kTransferErrors, kShare, 2);
    Interpose::FailShare(Call::kSend, kTransferErrors, kShare, 3);
  }
  static void ExpectAllFailed() {
    for (Call call : {Call::kAccept4, Call::kRecv, Call::kSend}) {
      EXPECT_GT(Interpose::Failures(call), 10) << "void: nothing was injected";
    }
  }
};

TEST_P(CallFaultsTest, PassingErrors) {
  FailNowAndThen();
  Start(GetParam());
  LoadProcess load(address(), {.busy = 8});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= (kSanitized ? 500 : 3'000); }));
  ExpectAllFailed();
  FinishAndCheck(load);
}

TEST_P(CallFaultsTest, ShortagesOfAccept) {
  Interpose::AcceptOneByOne();
  Interpose::FailShare(Call::kAccept4, kShortageErrors, 20'000, 4);
  Start(GetParam());
  LoadProcess load(address(), {.busy = 8});
  ASSERT_TRUE(WaitUntil(
      [&] { return totals().completed >= 300 && Interpose::Failures(Call::kAccept4) >= 5; }));
  FinishAndCheck(load);
}

TEST_P(CallFaultsTest, AnswersByteByByte) {
  Interpose::LimitSend(1);
  Start(GetParam());
  LoadProcess load(address(), {.busy = 8});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= (kSanitized ? 300 : 3'000); }));
  FinishAndCheck(load);
}

INSTANTIATE_TEST_SUITE_P(Modes, CallFaultsTest, testing::ValuesIn(server::kModes),
                         [](const testing::TestParamInfo<Mode>& mode) {
                           std::string name(server::ModeName(mode.param));
                           std::erase(name, '-');
                           return name;
                         });

class CallFaultsAcrossSwitchesTest : public CallFaultsTest {};

TEST_P(CallFaultsAcrossSwitchesTest, EverythingAtOnce) {
  FailNowAndThen();
  Interpose::LimitSend(1);
  Start(GetParam());
  LoadProcess load(address(), {.busy = 8, .held = 30, .silence_ms = 50});
  SwitchDriver driver(*plane_);
  const int laps = kSanitized ? 2 : 10;
  for (int lap = 0; lap < laps; ++lap) {
    for (Mode target : ModeTour()) {
      const int64_t before = totals().completed;
      ASSERT_TRUE(driver.Switch(target, milliseconds(lap % 2 * 5)));
      ASSERT_TRUE(WaitUntil([&] { return totals().completed > before; }));
    }
  }
  ExpectAllFailed();
  FinishAndCheck(load);
  EXPECT_TRUE(driver.Settle());
}

INSTANTIATE_TEST_SUITE_P(OnTour, CallFaultsAcrossSwitchesTest, testing::Values(ModeTour().back()),
                         [](const auto&) { return "from_the_last"; });

}  // namespace
}  // namespace handshake::test

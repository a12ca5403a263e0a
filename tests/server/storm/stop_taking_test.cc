// Is StopTaking() certain? Seen from outside: with no successor the connections that come stay in
// the kernel's queue, all of them, and a successor then serves them.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "server/door/cpu_meter.h"
#include "server/door/door.h"
#include "server/door/ledger.h"
#include "server/door/lobby.h"
#include "server/door/mode.h"
#include "server/engines/engine.h"
#include "server/engines/factory.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/own_network.h"

namespace handshake::test {
namespace {

using server::Engine;
using server::Mode;

class StopTakingTest : public testing::TestWithParam<Mode> {
 protected:
  static void SetUpTestSuite() { EnterOwnNetwork(); }

  void SetUp() override {
    for (Mode mode : server::kModes) ledger_.Open(mode);
    ASSERT_TRUE(lobby_.Start().ok());
    ASSERT_TRUE(door_.Open({{*net::Address::Parse("127.0.0.1:0"), {}}}, options_.cpus).ok());
  }

  std::unique_ptr<Engine> StartEngine(Mode mode, uint32_t generation) {
    const server::EngineContext context = {.door = door_,
                                           .lobby = lobby_,
                                           .ledger = ledger_,
                                           .cpu_meter = cpu_meter_,
                                           .options = options_};
    auto engine = server::MakeEngine(context, mode, generation);
    EXPECT_TRUE(engine->Prepare().ok());
    engine->Start();
    return engine;
  }

  const server::EngineOptions options_ = server::WithDefaults({});
  server::CpuMeter cpu_meter_;
  server::Ledger ledger_{4};
  server::Lobby lobby_{ledger_};
  server::Door door_{lobby_, ledger_};
};

TEST_P(StopTakingTest, LeavesTheQueueToTheSuccessor) {
  constexpr int kClients = 8;
  const int rounds = kSanitized ? 5 : 30;
  auto engine = StartEngine(GetParam(), 1);
  LoadProcess load(door_.addresses().front(), {.busy = kClients});
  for (int round = 0; round < rounds; ++round) {
    ASSERT_TRUE(WaitUntil([&] { return engine->counts().taken >= 30; }));
    engine->StopTaking();
    const int64_t taken = engine->counts().taken;
    // Every client ends what it is at and comes back to a door where nobody takes.
    ASSERT_TRUE(WaitUntil([&] { return door_.QueueLength() == kClients; }))
        << door_.QueueLength() << " wait at the door";
    EXPECT_EQ(engine->counts().taken, taken) << "it took after StopTaking() had returned";
    engine->Drain(wire::Clock::now());
    EXPECT_EQ(engine->in_flight(), 0);
    engine = StartEngine(GetParam(), static_cast<uint32_t>(round + 2));
  }
  const Tally tally = load.Finish();
  EXPECT_EQ(tally.lost(), 0) << tally.line();
  EXPECT_EQ(tally.ok(), ledger_.ReadTotals().completed);
  EXPECT_EQ(door_.births_after_stop(), 0);
  engine->StopTaking();
  engine->Drain(wire::Clock::now());
  engine.reset();
  lobby_.Stop();
}

INSTANTIATE_TEST_SUITE_P(Modes, StopTakingTest, testing::ValuesIn(server::kModes),
                         [](const testing::TestParamInfo<Mode>& mode) {
                           std::string name(server::ModeName(mode.param));
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace handshake::test

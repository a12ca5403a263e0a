// The number of an event mode's workers changes while it serves.
#include <gtest/gtest.h>

#include <cstdint>

#include "server/door/cpus.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"

namespace handshake::test {
namespace {

using server::Mode;
using server::SwitchRecord;

class WorkersTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {
 protected:
  void SetUp() override {
    DataPlaneFixture::SetUp();
    if (server::AllowedCpus().size() < 2) GTEST_SKIP() << "one CPU only";
  }

  SwitchRecord Ask(int64_t workers) {
    server::SwitchRequest request;
    request.target = GetParam();
    request.workers = workers;
    request.drain_timeout = wire::Duration::zero();
    const auto record = plane_->Switch(request);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.value_or(SwitchRecord{});
  }
};

TEST_P(WorkersTest, ChangeUnderLoadLosesNobody) {
  const int changes = kSanitized ? 6 : 40;
  Start(GetParam(), PatientHandshake());
  ASSERT_EQ(plane_->active().workers, 1);
  LoadProcess load(address(), {.busy = 3, .one_byte = 20});
  int64_t completed = 0;
  for (int i = 0; i < changes; ++i) {
    ASSERT_TRUE(WaitUntil([&] { return totals().completed >= completed + 20; }))
        << "a shard is not served with " << plane_->active().workers << " workers";
    load.Nudge();
    const int64_t workers = i % 2 == 0 ? 2 : 1;
    const SwitchRecord record = Ask(workers);
    EXPECT_EQ(record.workers, workers);
    EXPECT_EQ(record.generation, i + 2);
    EXPECT_EQ(plane_->active().workers, workers);
    completed = totals().completed;
  }
  FinishAndCheck(load);
}

TEST_P(WorkersTest, AsManyAsThereAreChangeNothing) {
  Start(GetParam());
  EXPECT_EQ(Ask(1).state, SwitchRecord::State::kUnchanged);
  EXPECT_EQ(Ask(2).state, SwitchRecord::State::kDraining);
  const SwitchRecord unsaid = Ask(0);
  EXPECT_EQ(unsaid.state, SwitchRecord::State::kUnchanged);
  EXPECT_EQ(unsaid.workers, 2);
  EXPECT_EQ(plane_->generation(), 2);
}

std::vector<Mode> ModesWithWorkers() {
  std::vector<Mode> modes;
  for (Mode mode : server::kModes) {
    if (server::HasWorkers(mode)) modes.push_back(mode);
  }
  return modes;
}

INSTANTIATE_TEST_SUITE_P(Modes, WorkersTest, testing::ValuesIn(ModesWithWorkers()),
                         [](const testing::TestParamInfo<Mode>& mode) {
                           std::string name(server::ModeName(mode.param));
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace handshake::test

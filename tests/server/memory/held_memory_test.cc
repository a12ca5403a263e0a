// What a held connection costs an event mode, and that a crowd's memory is given back.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "server/door/mode.h"
#include "tests/server/memory/event_modes.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/build_kind.h"
#include "tests/support/interpose.h"

namespace handshake::test {
namespace {

using server::Mode;

// All of them fit in the accept queue (net.core.somaxconn, 4096), whoever runs first.
constexpr int kCrowd = 4'000;

class HeldMemoryTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {
 protected:
  void SetUp() override {
    DataPlaneFixture::SetUp();
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < kCrowd + 500) GTEST_SKIP() << "too few descriptors are allowed";
  }

  static int64_t MappedSince(int64_t before) { return Interpose::mapped_bytes() - before; }
};

TEST_P(HeldMemoryTest, ACrowdCostsLittleAndItsMemoryGoesWithIt) {
  engine_.workers = 1;
  Start(GetParam(), PatientHandshake());
  const int64_t before = Interpose::mapped_bytes();
  LoadProcess load(address(), {.one_byte = kCrowd});
  ASSERT_TRUE(WaitUntil([&] { return totals().accepted >= kCrowd; }));
  const int64_t crowded = MappedSince(before);
  EXPECT_GE(crowded, kCrowd * 128) << "void: their memory is somewhere else";
  // A coroutine's frame is as big as the compiler makes it.
  const int64_t most = GetParam() == Mode::kCoroutine ? (kTimed ? 448 : 640) : 192;
  EXPECT_LE(crowded / kCrowd, most) << "bytes a connection";

  FinishAndCheck(load);
  // A chunk of each kind is kept, of the four that a crowd fills.
  EXPECT_TRUE(WaitUntil([&] { return MappedSince(before) <= crowded / 4; }))
      << MappedSince(before) << " of " << crowded << " bytes are still mapped";
}

INSTANTIATE_TEST_SUITE_P(Modes, HeldMemoryTest, testing::ValuesIn(EventModes()), EventModeName);

}  // namespace
}  // namespace handshake::test

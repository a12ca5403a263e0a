// Event modes allocate nothing while they serve a steady load.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "server/door/mode.h"
#include "tests/server/memory/event_modes.h"
#include "tests/server/storm/data_plane_fixture.h"
#include "tests/server/storm/load_process.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/interpose.h"

namespace handshake::test {
namespace {

using server::Mode;

// Runs `body` on a thread with this name.
template <class Body>
void RunAs(const char* name, Body body) {
  std::thread([&] {
    prctl(PR_SET_NAME, name);
    body();
  }).join();
}

// Keeps the compiler from leaving out an allocation that nobody looks at.
volatile void* g_kept;

TEST(AllocationCounterTest, SeesEveryWayToAllocate) {
  AllocationCounter::Count("counted");
  RunAs("counted", [] {
    int64_t expected = AllocationCounter::allocations();
    const auto counts = [&](void* memory) {
      g_kept = memory;
      EXPECT_EQ(AllocationCounter::allocations(), ++expected);
      std::free(memory);
    };
    counts(std::malloc(10));
    counts(std::calloc(1, 10));
    counts(std::realloc(nullptr, 10));
    counts(std::aligned_alloc(64, 64));
    counts(::operator new(10));
    counts(::operator new(64, std::align_val_t{64}));
    EXPECT_EQ(AllocationCounter::last_size(), 64u);
    const int64_t maps = Interpose::Calls(Call::kMap);
    munmap(mmap(nullptr, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1);
    EXPECT_EQ(Interpose::Calls(Call::kMap), maps + 1);
  });
}

TEST(AllocationCounterTest, DoesNotCountOtherThreads) {
  AllocationCounter::Count("counted");
  RunAs("another", [] {
    g_kept = std::malloc(10);
    std::free(const_cast<void*>(g_kept));
  });
  EXPECT_EQ(AllocationCounter::allocations(), 0);
}

class AllocationTest : public DataPlaneFixture, public testing::WithParamInterface<Mode> {};

TEST_P(AllocationTest, ASteadyLoadNeedsNone) {
  constexpr int64_t kWarmUp = 5'000;
  constexpr int64_t kHandshakes = 20'000;
  const std::string engine_threads(server::ModeName(GetParam()).substr(0, 15));
  AllocationCounter::Count(engine_threads);
  Start(GetParam());
  LoadProcess load(address(), {.busy = 64});
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= kWarmUp; }));
  // The first connections need memory: so we count the right threads.
  EXPECT_GT(AllocationCounter::allocations(), 0);

  const int64_t maps = Interpose::Calls(Call::kMap);
  AllocationCounter::Count(engine_threads);
  const int64_t before = totals().completed;
  ASSERT_TRUE(WaitUntil([&] { return totals().completed >= before + kHandshakes; }));
  EXPECT_EQ(AllocationCounter::allocations(), 0)
      << "the last one of " << AllocationCounter::last_size() << " bytes";
  EXPECT_EQ(Interpose::Calls(Call::kMap), maps);
  FinishAndCheck(load);
}

INSTANTIATE_TEST_SUITE_P(Modes, AllocationTest, testing::ValuesIn(EventModes()), EventModeName);

}  // namespace
}  // namespace handshake::test

// An open loop allocates nothing for a handshake.
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <chrono>
#include <memory>
#include <thread>

#include "client/load_run.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/test_server.h"

namespace handshake::client {
namespace {

using handshake::test::AllocationCounter;
using namespace std::chrono_literals;

TEST(LoadAllocationTest, AnOpenLoopAllocatesNothingForAHandshake) {
  handshake::test::TestServer server(handshake::test::Serve());
  LoadSpec spec;
  spec.target = server.address();
  spec.duration = 1h;
  spec.open = OpenLoop{.rate = 2'000, .max_in_flight = 50};
  std::unique_ptr<LoadRun> run;
  std::thread([&] {
    prctl(PR_SET_NAME, "load");  // which the run's threads inherit
    run = *LoadRun::Start(spec);
  }).join();
  // The first of them make room: what has been needed once is kept.
  const auto await = [&](int64_t ok) {
    while (run->Report().ok() < ok) ASSERT_FALSE(run->WaitFor(1ms));
  };
  await(500);
  AllocationCounter::Count("load");
  await(1'500);
  EXPECT_EQ(AllocationCounter::allocations(), 0)
      << "the last one has " << AllocationCounter::last_size() << " bytes";
}

}  // namespace
}  // namespace handshake::client

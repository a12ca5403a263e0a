// What the storm and the fault tests have in common: a data plane in this process, alone in its
// network where that is permitted, and the checks at the end of a run.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_DATA_PLANE_FIXTURE_H_
#define HANDSHAKE_TESTS_SERVER_STORM_DATA_PLANE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "common/net/address.h"
#include "common/stats/kernel_counters.h"
#include "server/data_plane.h"
#include "tests/server/storm/load_process.h"

namespace handshake::test {

// Of all modes.
struct Totals {
  int64_t accepted = 0;
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t in_flight = 0;
  int64_t handed_over = 0;
};
Totals TotalsOf(const server::Snapshot& snapshot);

// Is there room in this mode for as many clients as a test has? Others wait in the queue.
inline bool ServesMany(server::Mode mode) {
  return mode != server::Mode::kSequential && mode != server::Mode::kThreadPool;
}

// Deadlines that no test reaches, messages that end with LF: for clients silent as long as needed.
wire::HandshakeOptions PatientHandshake();

class DataPlaneFixture : public testing::Test {
 protected:
  static void SetUpTestSuite();
  void SetUp() override;
  void TearDown() override;

  void Start(server::Mode mode, const wire::HandshakeOptions& handshake = {});
  net::Address address() const { return plane_->addresses().front(); }

  Totals totals() const { return TotalsOf(*plane_->Stats()); }
  // One that was begun after this call.
  std::shared_ptr<const server::Snapshot> NewSnapshot() const;
  // When nothing is in flight and nothing drains; the newest one after 20 s.
  std::shared_ptr<const server::Snapshot> AtRest() const;

  // A run says something only if the kernel dropped nothing and the clients were never short of
  // anything.
  void ExpectNotVoid(const server::Snapshot& snapshot, const Tally& tally) const;
  // Nobody was let down, and the two ledgers agree. At rest.
  static void ExpectNothingLost(const server::Snapshot& snapshot, const Tally& tally);
  // Lets the load finish and expects both of the above.
  Tally FinishAndCheck(LoadProcess& load);

  server::EngineOptions engine_;  // for Start()
  std::unique_ptr<server::DataPlane> plane_;

 private:
  static bool in_own_network_;
  stats::ListenCounters counters_before_;
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_DATA_PLANE_FIXTURE_H_

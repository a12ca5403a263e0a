#include "tests/server/storm/data_plane_fixture.h"

#include <chrono>

#include "spdlog/spdlog.h"
#include "tests/server/storm/hand_over_table.h"
#include "tests/server/storm/switch_driver.h"
#include "tests/support/interpose.h"
#include "tests/support/own_network.h"

namespace handshake::test {

bool DataPlaneFixture::in_own_network_ = false;

Totals TotalsOf(const server::Snapshot& snapshot) {
  Totals sum;
  for (const server::ModeStats& mode : snapshot.modes) {
    sum.accepted += mode.accepted;
    sum.completed += mode.completed();
    sum.failed += mode.failed();
    sum.in_flight += mode.in_flight;
    sum.handed_over += mode.handed_over;
  }
  return sum;
}

wire::HandshakeOptions PatientHandshake() {
  return {.framing = wire::Framing::kLine,
          .step_timeout = std::chrono::minutes(5),
          .handshake_timeout = std::chrono::minutes(10)};
}

void DataPlaneFixture::SetUpTestSuite() {
  spdlog::set_level(spdlog::level::warn);  // not a line a switch
  if (!in_own_network_) in_own_network_ = EnterOwnNetwork();
}

void DataPlaneFixture::SetUp() {
  Interpose::Reset();
  HandOverTable::Clear();
  counters_before_ = stats::ReadListenCounters();
}

void DataPlaneFixture::TearDown() { Interpose::Reset(); }

void DataPlaneFixture::Start(server::Mode mode, const wire::HandshakeOptions& handshake) {
  server::DataPlaneOptions options;
  options.listeners = {{*net::Address::Parse("127.0.0.1:0"), handshake}};
  options.mode = mode;
  options.engine = engine_;
  auto plane = server::DataPlane::Start(options);
  ASSERT_TRUE(plane.ok()) << plane.status();
  plane_ = std::move(*plane);
}

std::shared_ptr<const server::Snapshot> DataPlaneFixture::NewSnapshot() const {
  const int64_t seen = plane_->Stats()->sequence;
  std::shared_ptr<const server::Snapshot> newest;
  // The next one may be in the making already.
  WaitUntil([&] { return (newest = plane_->Stats())->sequence > seen + 1; });
  return newest;
}

std::shared_ptr<const server::Snapshot> DataPlaneFixture::AtRest() const {
  std::shared_ptr<const server::Snapshot> newest;
  WaitUntil([&] {
    newest = NewSnapshot();
    return TotalsOf(*newest).in_flight == 0 && newest->draining_engine_count == 0;
  });
  return newest;
}

void DataPlaneFixture::ExpectNotVoid(const server::Snapshot& snapshot, const Tally& tally) const {
  for (const server::ListenerStats& listener : snapshot.listeners) {
    EXPECT_EQ(listener.dropped, 0) << "void: " << listener.address << " dropped connections";
  }
  if (in_own_network_) {  // elsewhere others count too
    const stats::ListenCounters now = stats::ReadListenCounters();
    EXPECT_EQ(now.overflows, counters_before_.overflows) << "void: an accept queue overflowed";
    EXPECT_EQ(now.drops, counters_before_.drops) << "void: a listener dropped connections";
  }
  EXPECT_EQ(tally["own_error"], 0) << "void: the load ran short of something";
}

void DataPlaneFixture::ExpectNothingLost(const server::Snapshot& snapshot, const Tally& tally) {
  const Totals totals = TotalsOf(snapshot);
  EXPECT_GT(tally.ok(), 0) << "void: no load at all: " << tally.line();
  EXPECT_EQ(tally.lost(), 0) << tally.line();
  EXPECT_EQ(tally["refused"], 0);
  EXPECT_EQ(totals.completed, tally.ok());
  EXPECT_EQ(totals.accepted, tally["connected"]);
  EXPECT_EQ(totals.failed, 0);
  EXPECT_EQ(totals.in_flight, 0);
  EXPECT_EQ(snapshot.lobby_count, 0);
  EXPECT_EQ(snapshot.births_after_stop, 0) << "an engine took after it had said it does not";
  for (server::Mode mode : server::kModes) {
    const server::ModeStats& stats = snapshot.modes[static_cast<size_t>(mode)];
    EXPECT_EQ(stats.accepted, stats.completed() + stats.failed() + stats.in_flight)
        << server::ModeName(mode);
  }
}

Tally DataPlaneFixture::FinishAndCheck(LoadProcess& load) {
  Tally tally = load.Finish();
  const auto snapshot = AtRest();
  ExpectNotVoid(*snapshot, tally);
  ExpectNothingLost(*snapshot, tally);
  return tally;
}

}  // namespace handshake::test

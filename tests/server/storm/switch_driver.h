// Makes the switches of a storm and checks every record they leave.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_SWITCH_DRIVER_H_
#define HANDSHAKE_TESTS_SERVER_STORM_SWITCH_DRIVER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "server/data_plane.h"

namespace handshake::test {

// Calls `condition` until it is true (checked every millisecond) or `timeout` has passed.
bool WaitUntil(const std::function<bool()>& condition,
               std::chrono::milliseconds timeout = std::chrono::seconds(20));

// The value that `percent` of the values do not exceed, in milliseconds. `values` is not empty.
double PercentileMs(std::vector<std::chrono::nanoseconds> values, double percent);

// Used by one thread. Failures are reported to GoogleTest where they are seen.
class SwitchDriver {
 public:
  explicit SwitchDriver(server::DataPlane& plane) : plane_(plane) {}

  // Switches to `target`, which is not the active mode, and lets the hand-over table count for this
  // pair unless an earlier switch still drains. False: the switch failed.
  bool Switch(server::Mode target, wire::Duration drain_timeout);
  // Waits until all switches are complete. False: one is not.
  bool Settle();

  int64_t switches() const { return static_cast<int64_t>(switch_times_.size()); }
  int64_t handed_over() const { return handed_over_; }
  int64_t lost() const { return lost_; }
  // Of the switch that was checked last.
  const server::SwitchRecord& last() const { return last_; }
  const std::vector<std::chrono::nanoseconds>& switch_times() const { return switch_times_; }
  // "p50 0.21 p99 1.90 max 3.10".
  std::string SwitchTimes() const;

 private:
  // Checks the records that are complete, in order.
  void CheckCompleted();
  void Check(const server::SwitchRecord& record);

  server::DataPlane& plane_;
  std::deque<int64_t> draining_;  // ids
  std::vector<std::chrono::nanoseconds> switch_times_;
  int64_t handed_over_ = 0;
  int64_t lost_ = 0;
  server::SwitchRecord last_;
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_SWITCH_DRIVER_H_

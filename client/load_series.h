// A load run over its time: a point a second, in memory that does not grow with the run.
#ifndef HANDSHAKE_CLIENT_LOAD_SERIES_H_
#define HANDSHAKE_CLIENT_LOAD_SERIES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "client/load_run.h"
#include "common/stats/histogram.h"
#include "common/stats/packed_histogram.h"
#include "common/wire/verdict.h"

namespace handshake::client {

// What happened in a stretch of a run, its warm-up left out. A handshake belongs to where it began
// with `started`, and to where it ended with the rest. See LoadReport.
struct LoadPoint {
  std::chrono::nanoseconds start{};   // since the run's
  std::chrono::nanoseconds length{};  // above 0
  int64_t planned = 0;
  int64_t started = 0;
  int64_t dropped = 0;
  int64_t ok = 0;
  std::vector<std::pair<wire::Verdict, int64_t>> failures = {};  // above 0, by verdict
  int64_t in_flight = 0;                                         // at its end
  // Of successes, us: from the intended start in an open loop, else from connect.
  stats::PackedHistogram latency{stats::kServerLatencyLayout};
};

// What happened between two reports of a run. Pure.
LoadPoint PointBetween(const LoadReport& earlier, const LoadReport& later);

// A value. Points are of one length, but for the last: once there are too many, neighbours are
// merged, and each stands for twice as long.
class LoadSeries {
 public:
  static constexpr size_t kMostPoints = 1'800;  // half an hour of seconds, about 1 MiB

  // most_points: even.
  explicit LoadSeries(size_t most_points = kMostPoints) : most_points_(most_points) {}

  // The next second, following the one before without a gap.
  void Add(LoadPoint second);
  // What is left behind the last second, at the end of the run: a point of its own, or, shorter
  // than half of one, part of the last.
  void AddRest(LoadPoint rest);

  const std::vector<LoadPoint>& points() const { return points_; }
  // Of each point but the last.
  int64_t seconds_per_point() const { return seconds_per_point_; }

 private:
  void Halve();

  size_t most_points_;
  int64_t seconds_per_point_ = 1;
  int64_t seconds_in_last_ = 0;  // of the last point
  std::vector<LoadPoint> points_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LOAD_SERIES_H_

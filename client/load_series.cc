#include "client/load_series.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace handshake::client {
namespace {

// Every bucket of the finer layout lies within one of the coarser.
stats::PackedHistogram Coarse(const stats::Histogram& fine) {
  stats::Histogram coarse(stats::kServerLatencyLayout);
  for (int i = 0; i < fine.layout().bucket_count(); ++i) {
    const int64_t counted = fine.buckets()[static_cast<size_t>(i)];
    if (counted > 0) coarse.Record(fine.layout().LowestIn(i), counted);
  }
  return stats::PackedHistogram(coarse);
}

// Into the earlier of two that follow each other.
void Append(const LoadPoint& later, LoadPoint& to) {
  to.length += later.length;
  to.planned += later.planned;
  to.started += later.started;
  to.dropped += later.dropped;
  to.ok += later.ok;
  std::map<wire::Verdict, int64_t> failures(to.failures.begin(), to.failures.end());
  for (const auto& [verdict, count] : later.failures) failures[verdict] += count;
  to.failures.assign(failures.begin(), failures.end());
  to.in_flight = later.in_flight;
  stats::Histogram latency(to.latency.layout());
  to.latency.MergeInto(latency);
  later.latency.MergeInto(latency);
  to.latency = stats::PackedHistogram(latency);
}

}  // namespace

LoadPoint PointBetween(const LoadReport& earlier, const LoadReport& later) {
  const LoadReport between = later.Since(earlier);
  LoadPoint point = {.start = later.elapsed - between.measured,
                     .length = between.measured,
                     .planned = between.planned,
                     .started = between.started,
                     .dropped = between.dropped,
                     .ok = between.ok(),
                     .in_flight = later.in_flight,
                     .latency = Coarse(between.latency())};
  for (int i = static_cast<int>(wire::Verdict::kOk) + 1; i < wire::kVerdictCount; ++i) {
    const int64_t count = between.ended[static_cast<size_t>(i)];
    if (count > 0) point.failures.emplace_back(static_cast<wire::Verdict>(i), count);
  }
  return point;
}

void LoadSeries::Add(LoadPoint second) {
  if (!points_.empty() && seconds_in_last_ < seconds_per_point_) {
    Append(second, points_.back());
    ++seconds_in_last_;
    return;
  }
  if (points_.size() == most_points_) Halve();
  points_.push_back(std::move(second));
  seconds_in_last_ = 1;
}

void LoadSeries::AddRest(LoadPoint rest) {
  const std::chrono::seconds whole(seconds_per_point_);
  const bool room = seconds_in_last_ < seconds_per_point_;
  if (!points_.empty() && (room || 2 * rest.length < whole)) return Append(rest, points_.back());
  if (points_.size() == most_points_) Halve();
  points_.push_back(std::move(rest));
}

void LoadSeries::Halve() {
  assert(most_points_ % 2 == 0 && points_.size() == most_points_);
  for (size_t i = 0; i < points_.size() / 2; ++i) {
    Append(points_[2 * i + 1], points_[2 * i]);
    if (i > 0) points_[i] = std::move(points_[2 * i]);
  }
  points_.resize(points_.size() / 2);
  seconds_per_point_ *= 2;
}

}  // namespace handshake::client

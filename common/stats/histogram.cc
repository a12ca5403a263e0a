#include "common/stats/histogram.h"

#include <cmath>
#include <limits>

namespace handshake::stats {

Histogram::Histogram(const HistogramLayout& layout)
    : layout_(layout), buckets_(static_cast<size_t>(layout.bucket_count())) {}

void Histogram::Record(int64_t value, int64_t count) { AddToBucket(layout_.IndexOf(value), count); }

void Histogram::AddToBucket(int index, int64_t count) {
  assert(index >= 0 && index < layout_.bucket_count() && count >= 0);
  buckets_[static_cast<size_t>(index)] += count;
  count_ += count;
}

void Histogram::Merge(const Histogram& other) {
  assert(layout_ == other.layout_);
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

Histogram Histogram::Since(const Histogram& earlier) const {
  assert(layout_ == earlier.layout_);
  Histogram since(layout_);
  for (int i = 0; i < layout_.bucket_count(); ++i) {
    const auto bucket = static_cast<size_t>(i);
    since.AddToBucket(i, buckets_[bucket] - earlier.buckets_[bucket]);
  }
  return since;
}

int64_t Histogram::Min() const {
  for (int i = 0; i < layout_.bucket_count(); ++i) {
    if (buckets_[static_cast<size_t>(i)] > 0) return layout_.LowestIn(i);
  }
  return 0;
}

int64_t Histogram::Max() const {
  for (int i = layout_.bucket_count() - 1; i >= 0; --i) {
    if (buckets_[static_cast<size_t>(i)] > 0) return layout_.HighestIn(i);
  }
  return 0;
}

double Histogram::Mean() const {
  if (count_ == 0) return 0;
  double sum = 0;
  for (int i = 0; i < layout_.bucket_count(); ++i) {
    const auto counted = static_cast<double>(buckets_[static_cast<size_t>(i)]);
    const int64_t lowest = layout_.LowestIn(i);
    const int64_t middle = lowest + (layout_.HighestIn(i) - lowest + 1) / 2;
    sum += counted * static_cast<double>(middle);
  }
  return sum / static_cast<double>(count_);
}

int64_t Histogram::AtPercentile(double percentile) const {
  if (count_ == 0) return 0;
  // The rank is rounded up. The next smaller double keeps a percentile that is exactly k of n from
  // being rounded up to k + 1 by the multiplication, which comes first as in HdrHistogram: the
  // other order rounds otherwise for some.
  const double below = std::nextafter(percentile, -std::numeric_limits<double>::infinity());
  const double values = std::clamp(below, 0.0, 100.0) * static_cast<double>(count_) / 100.0;
  const auto rank = std::max<int64_t>(static_cast<int64_t>(std::ceil(values)), 1);
  int64_t seen = 0;
  for (int i = 0; i < layout_.bucket_count(); ++i) {
    seen += buckets_[static_cast<size_t>(i)];
    if (seen >= rank) return percentile <= 0 ? layout_.LowestIn(i) : layout_.HighestIn(i);
  }
  return Max();
}

AtomicHistogram::AtomicHistogram(const HistogramLayout& layout)
    : layout_(layout),
      buckets_(
          std::make_unique<std::atomic<int64_t>[]>(static_cast<size_t>(layout.bucket_count()))) {}

void AtomicHistogram::Record(int64_t value) {
  buckets_[static_cast<size_t>(layout_.IndexOf(value))].fetch_add(1, std::memory_order_relaxed);
}

void AtomicHistogram::MergeInto(Histogram& into) const {
  assert(layout_ == into.layout());
  for (int i = 0; i < layout_.bucket_count(); ++i) {
    const int64_t counted = buckets_[static_cast<size_t>(i)].load(std::memory_order_relaxed);
    if (counted > 0) into.AddToBucket(i, counted);
  }
}

}  // namespace handshake::stats

// Latency histograms in HdrHistogram's bucket layout: constant memory, bounded relative error,
// merged exactly by adding counts.
#ifndef HANDSHAKE_COMMON_STATS_HISTOGRAM_H_
#define HANDSHAKE_COMMON_STATS_HISTOGRAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace handshake::stats {

// Values are integers from 1 to `highest` (0 is counted as 0, in the first bucket; anything above
// `highest` is counted as `highest`). Two values in one bucket differ by less than
// 10^-significant_digits of their size. Here: microseconds, 1 us to 1 h.
class HistogramLayout {
 public:
  // significant_digits: 1 to 5. highest: at least 2.
  constexpr HistogramLayout(int significant_digits, int64_t highest);

  constexpr int64_t highest() const { return highest_; }
  constexpr int significant_digits() const { return significant_digits_; }
  constexpr int bucket_count() const { return bucket_count_; }
  // The index of the bucket that counts `value`.
  constexpr int IndexOf(int64_t value) const;
  // The smallest and the largest value that the bucket counts.
  constexpr int64_t LowestIn(int index) const;
  constexpr int64_t HighestIn(int index) const;
  friend constexpr bool operator==(const HistogramLayout&, const HistogramLayout&) = default;

 private:
  int significant_digits_;
  int64_t highest_;
  int sub_bucket_half_count_magnitude_ = 0;
  int bucket_count_ = 0;
};

inline constexpr int64_t kHighestLatencyUs = 3'600'000'000;  // 1 h
// Per-thread histograms of the server: 2 digits; the load generator's: 3 digits.
// Defined below the class bodies as kServerLatencyLayout and kLoadLatencyLayout.

// A histogram as a value: counted by one thread, merged, queried, sent. Copyable.
class Histogram {
 public:
  explicit Histogram(const HistogramLayout& layout);

  const HistogramLayout& layout() const { return layout_; }
  void Record(int64_t value, int64_t count = 1);
  // Adds `other`, which has the same layout.
  void Merge(const Histogram& other);
  void AddToBucket(int index, int64_t count);
  // What was counted since `earlier`, an older state of the same histogram.
  Histogram Since(const Histogram& earlier) const;

  int64_t count() const { return count_; }
  // Of the values as counted (upper bound of their bucket); 0 if nothing was counted.
  int64_t Min() const;
  int64_t Max() const;
  double Mean() const;
  // The value that `percentile` percent (0 to 100) of the counted ones do not exceed: the upper
  // bound of the bucket, as HdrHistogram gives it. 0 if nothing was counted.
  int64_t AtPercentile(double percentile) const;
  std::span<const int64_t> buckets() const { return buckets_; }

 private:
  HistogramLayout layout_;
  int64_t count_ = 0;
  std::vector<int64_t> buckets_;
};

// The same counts, recorded by any thread and read by any other while it goes on: one relaxed add a
// value, nothing else. A reader sees each count at or after its last visit, never a torn one.
class AtomicHistogram {
 public:
  explicit AtomicHistogram(const HistogramLayout& layout);
  void Record(int64_t value);
  void MergeInto(Histogram& into) const;  // same layout

 private:
  const HistogramLayout layout_;
  std::unique_ptr<std::atomic<int64_t>[]> buckets_;
};

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_HISTOGRAM_H_

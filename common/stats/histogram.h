// Latency histograms in HdrHistogram's bucket layout: constant memory, bounded relative error,
// merged exactly by adding counts.
#ifndef HANDSHAKE_COMMON_STATS_HISTOGRAM_H_
#define HANDSHAKE_COMMON_STATS_HISTOGRAM_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace handshake::stats {

// Which bucket counts a value. Values are integers from 1 to `highest`; anything below is counted
// as 0, in the first bucket, anything above as `highest`. Two values in one bucket differ by less
// than 10^-significant_digits of their size. Here: microseconds, 1 us to 1 h.
//
// The layout is HdrHistogram's with a lowest discernible value of 1, so counts can be exchanged
// with its implementations index by index. With S, the smallest power of two that is at least 2 *
// 10^digits: values below S have a bucket each; from there on every doubling of the value is cut
// into S/2 buckets of equal width.
class HistogramLayout {
 public:
  // significant_digits: 1 to 5. highest: at least 2.
  constexpr HistogramLayout(int significant_digits, int64_t highest);

  constexpr int64_t highest() const { return highest_; }
  constexpr int significant_digits() const { return significant_digits_; }
  // HdrHistogram's counts array length. The last buckets may lie above `highest`, always empty.
  constexpr int bucket_count() const { return bucket_count_; }
  // The index of the bucket that counts `value`, any int64.
  constexpr int IndexOf(int64_t value) const;
  // The smallest and the largest value of a bucket; index from 0 to bucket_count() - 1.
  constexpr int64_t LowestIn(int index) const;
  constexpr int64_t HighestIn(int index) const;
  friend constexpr bool operator==(const HistogramLayout&, const HistogramLayout&) = default;

 private:
  // The position of the highest bit; -1 for 0.
  static constexpr int Magnitude(uint64_t v) { return static_cast<int>(std::bit_width(v)) - 1; }
  // How often the width of the bucket was doubled: its values differ in their lowest bits only.
  constexpr int WidthMagnitude(int index) const;

  int significant_digits_;
  int64_t highest_;
  int half_magnitude_ = 0;  // S/2 = 2^half_magnitude_
  int bucket_count_ = 0;
};

constexpr HistogramLayout::HistogramLayout(int significant_digits, int64_t highest)
    : significant_digits_(significant_digits), highest_(highest) {
  assert(significant_digits >= 1 && significant_digits <= 5 && highest >= 2);
  uint64_t single_unit_values = 2;
  for (int digit = 0; digit < significant_digits; ++digit) single_unit_values *= 10;
  half_magnitude_ = std::countr_zero(std::bit_ceil(single_unit_values)) - 1;
  // S/2 buckets below S/2, and as many for each binary magnitude from there up to that of
  // `highest`.
  const int top_magnitude = std::max(Magnitude(static_cast<uint64_t>(highest)), half_magnitude_);
  bucket_count_ = (top_magnitude - half_magnitude_ + 2) << half_magnitude_;
}

constexpr int HistogramLayout::IndexOf(int64_t value) const {
  const auto v = static_cast<uint64_t>(std::clamp<int64_t>(value, 0, highest_));
  const int width_magnitude = std::max(Magnitude(v) - half_magnitude_, 0);
  // v >> width_magnitude keeps the leading half_magnitude_ + 1 bits.
  return (width_magnitude << half_magnitude_) + static_cast<int>(v >> width_magnitude);
}

constexpr int HistogramLayout::WidthMagnitude(int index) const {
  assert(index >= 0 && index < bucket_count_);
  return std::max((index >> half_magnitude_) - 1, 0);
}

constexpr int64_t HistogramLayout::LowestIn(int index) const {
  const int width_magnitude = WidthMagnitude(index);
  return static_cast<int64_t>(index - (width_magnitude << half_magnitude_)) << width_magnitude;
}

constexpr int64_t HistogramLayout::HighestIn(int index) const {
  return LowestIn(index) + ((int64_t{1} << WidthMagnitude(index)) - 1);
}

inline constexpr int64_t kHighestLatencyUs = 3'600'000'000;  // 1 h
// The server's, one per mode and shard: 1 %, 26 KiB. The load generator's: 0.1 %, 184 KiB.
inline constexpr HistogramLayout kServerLatencyLayout(2, kHighestLatencyUs);
inline constexpr HistogramLayout kLoadLatencyLayout(3, kHighestLatencyUs);

// A histogram as a value: counted by one thread, merged, queried, sent. Copyable.
class Histogram {
 public:
  explicit Histogram(const HistogramLayout& layout);

  const HistogramLayout& layout() const { return layout_; }
  void Record(int64_t value, int64_t count = 1);
  // Adds `other`, which has the same layout.
  void Merge(const Histogram& other);
  // Adds what was counted elsewhere; index from 0 to layout().bucket_count() - 1.
  void AddToBucket(int index, int64_t count);
  // What was counted since `earlier`, an older state of the same histogram.
  Histogram Since(const Histogram& earlier) const;

  int64_t count() const { return count_; }
  // As HdrHistogram gives them, so that its tools show the same figures for the same counts: the
  // lower bound of the lowest bucket in use, the upper bound of the highest, and the mean with each
  // value taken as the middle of its bucket. 0 if nothing was counted.
  int64_t Min() const;
  int64_t Max() const;
  double Mean() const;
  // The value that `percentile` percent (0 to 100) of the counted ones do not exceed: the upper
  // bound of the bucket, as HdrHistogram gives it, at 0 the lower bound of the lowest one. 0 if
  // nothing was counted.
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
  const HistogramLayout& layout() const { return layout_; }
  void Record(int64_t value);
  void MergeInto(Histogram& into) const;  // same layout

 private:
  const HistogramLayout layout_;
  std::unique_ptr<std::atomic<int64_t>[]> buckets_;
};

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_HISTOGRAM_H_

#include "control/report/histograms.h"

#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace handshake::report {
namespace {

constexpr int64_t kMaxDigits = 5;
constexpr int kMaxBuckets = 1'000'000;  // 8 MB; the load generator's has 23,552

absl::Status Bad(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrFormat("a histogram %s", what));
}

}  // namespace

v1::Histogram ToProto(const stats::Histogram& histogram) {
  v1::Histogram to;
  to.set_significant_digit_count(histogram.layout().significant_digits());
  to.set_highest_us(histogram.layout().highest());
  to.set_count(histogram.count());
  int64_t empty = 0;
  for (const int64_t counted : histogram.buckets()) {
    if (counted == 0) {
      ++empty;
      continue;
    }
    if (empty > 0) to.add_counts(-empty);
    empty = 0;
    to.add_counts(counted);
  }
  return to;
}

v1::Latency ToLatency(const stats::Histogram& histogram) {
  v1::Latency latency;
  latency.set_count(histogram.count());
  latency.set_min_us(histogram.Min());
  latency.set_mean_us(histogram.Mean());
  latency.set_p50_us(histogram.AtPercentile(50));
  latency.set_p90_us(histogram.AtPercentile(90));
  latency.set_p99_us(histogram.AtPercentile(99));
  latency.set_p999_us(histogram.AtPercentile(99.9));
  latency.set_max_us(histogram.Max());
  return latency;
}

absl::StatusOr<stats::Histogram> FromProto(const v1::Histogram& histogram) {
  const int64_t digits = histogram.significant_digit_count();
  if (digits < 1 || digits > kMaxDigits || histogram.highest_us() < 2) {
    return Bad(
        absl::StrFormat("of %d digits up to %d us cannot be", digits, histogram.highest_us()));
  }
  const stats::HistogramLayout layout(static_cast<int>(digits), histogram.highest_us());
  if (layout.bucket_count() > kMaxBuckets) return Bad("has too many buckets");
  stats::Histogram from(layout);
  int64_t index = 0;
  for (const int64_t number : histogram.counts()) {
    if (number == 0) return Bad("has a count of 0");
    if (number < -layout.bucket_count()) return Bad("skips more buckets than it has");
    if (number < 0) {
      index -= number;
      continue;
    }
    if (index >= layout.bucket_count()) return Bad("has more counts than buckets");
    if (number > std::numeric_limits<int64_t>::max() - from.count()) {
      return Bad("has more values than can be counted");
    }
    from.AddToBucket(static_cast<int>(index++), number);
  }
  if (from.count() != histogram.count()) {
    return Bad(absl::StrFormat("says that it has %d values, its buckets have %d", histogram.count(),
                               from.count()));
  }
  return from;
}

}  // namespace handshake::report

// A histogram that is kept and not counted in: some bytes for each bucket in use, so that one a
// second of a long run fits in memory.
#ifndef HANDSHAKE_COMMON_STATS_PACKED_HISTOGRAM_H_
#define HANDSHAKE_COMMON_STATS_PACKED_HISTOGRAM_H_

#include <cstdint>
#include <string>

#include "common/stats/histogram.h"

namespace handshake::stats {

// A value; loses nothing.
class PackedHistogram {
 public:
  explicit PackedHistogram(const HistogramLayout& layout) : layout_(layout) {}
  explicit PackedHistogram(const Histogram& histogram);

  const HistogramLayout& layout() const { return layout_; }
  int64_t count() const { return count_; }
  void MergeInto(Histogram& into) const;  // same layout
  // The counts as HdrHistogram's V2 encoding has them, without its header; empty if none.
  const std::string& bytes() const { return bytes_; }

 private:
  HistogramLayout layout_;
  int64_t count_ = 0;
  std::string bytes_;
};

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_PACKED_HISTOGRAM_H_

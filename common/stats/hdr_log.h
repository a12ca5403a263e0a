// Writes histograms as HdrHistogram's interval log (.hlog), text format 1.3 with V2 payloads, which
// the tools around HdrHistogram read, merge and plot.
//
// Values stay in microseconds and in their buckets: a reader has the same counts, and computes the
// same figures from them. The format does not name the unit, and tools assume nanoseconds: give
// HistogramLogProcessor -outputValueUnitRatio 1000 for tables in milliseconds. The column
// Interval_Max, which readers skip and people read, is in milliseconds.
//
// A log is a header, then lines in the order of their start: a reader that looks for a time stops
// at the first line behind it. Each line is complete in itself, so a log that was cut off at the
// end of a line is one. Pure functions, any thread, no errors. Beside what they return they take
// memory for one histogram: a few copies of its payload, which has at most 9 bytes a bucket, and
// zlib's 256 KiB.
#ifndef HANDSHAKE_COMMON_STATS_HDR_LOG_H_
#define HANDSHAKE_COMMON_STATS_HDR_LOG_H_

#include <chrono>
#include <string>
#include <string_view>

#include "common/stats/histogram.h"

namespace handshake::stats {

// What comes before the lines; `start` is what their times are relative to. `comment` is for
// people, of any number of lines, none if empty. What is not printable ASCII becomes '?' in it:
// readers take more than LF for the end of a line.
std::string HdrLogHeader(std::chrono::system_clock::time_point start, std::string_view comment);

struct HdrLogInterval {
  // Which of several series the line belongs to. Tools show one at a time: that without a tag (""),
  // unless told otherwise. What would end a tag (blanks, commas) and what is not printable ASCII
  // becomes '_'.
  std::string_view tag = "";
  std::chrono::nanoseconds start{};   // since the header's; rounded to a millisecond
  std::chrono::nanoseconds length{};  // rounded to a millisecond
};

// The line, with its end, that says what was counted in an interval, be it nothing.
std::string HdrLogLine(const HdrLogInterval& interval, const Histogram& histogram);

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_HDR_LOG_H_

#include "common/stats/hdr_log.h"

#include <zlib.h>

#include <bit>
#include <cstdint>
#include <new>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/stats/packed_histogram.h"

namespace handshake::stats {
namespace {

// HdrHistogram's cookies of V2; 0x10 says that a count has no fixed width.
constexpr uint32_t kEncodedCookie = 0x1c849303 | 0x10;
constexpr uint32_t kCompressedCookie = 0x1c849304 | 0x10;

constexpr double kUsPerMs = 1'000;

template <typename Unsigned>
void AppendBigEndian(Unsigned value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof(value)) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
}

// HdrHistogram writes at least the first bucket.
std::string EncodeCounts(const Histogram& histogram) {
  if (histogram.count() == 0) return std::string(1, '\0');
  return PackedHistogram(histogram).bytes();
}

std::string Encode(const Histogram& histogram) {
  const std::string counts = EncodeCounts(histogram);
  std::string out;
  AppendBigEndian(kEncodedCookie, out);
  AppendBigEndian(static_cast<uint32_t>(counts.size()), out);
  AppendBigEndian(uint32_t{0}, out);  // how far the buckets are shifted
  AppendBigEndian(static_cast<uint32_t>(histogram.layout().significant_digits()), out);
  AppendBigEndian(uint64_t{1}, out);  // the lowest discernible value
  AppendBigEndian(static_cast<uint64_t>(histogram.layout().highest()), out);
  AppendBigEndian(std::bit_cast<uint64_t>(1.0), out);  // the unit of histograms of fractions
  return out + counts;
}

std::string Compress(const std::string& encoded) {
  const auto encoded_size = static_cast<uLong>(encoded.size());
  uLongf size = compressBound(encoded_size);
  std::string deflated(size, '\0');
  // There is room for the output: all that can be missing is zlib's own memory.
  if (compress2(reinterpret_cast<Bytef*>(deflated.data()), &size,
                reinterpret_cast<const Bytef*>(encoded.data()), encoded_size,
                Z_BEST_COMPRESSION) != Z_OK) {
    throw std::bad_alloc();
  }
  deflated.resize(size);
  std::string out;
  AppendBigEndian(kCompressedCookie, out);
  AppendBigEndian(static_cast<uint32_t>(deflated.size()), out);
  return out + deflated;
}

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

// The blank keeps a comment from being taken for one of the format's own lines.
std::string CommentLines(std::string_view comment) {
  std::string out = "# ";
  for (char c : comment) {
    if (c == '\n') {
      out += "\n# ";
    } else {
      out += IsPrintable(c) ? c : '?';
    }
  }
  return out + "\n";
}

std::string TagField(std::string_view tag) {
  if (tag.empty()) return "";
  std::string out = "Tag=";
  for (char c : tag) out += IsPrintable(c) && c != ' ' && c != ',' ? c : '_';
  return out + ",";
}

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string HdrLogHeader(std::chrono::system_clock::time_point start, std::string_view comment) {
  const double epoch_seconds = Seconds(start.time_since_epoch());
  const std::string date =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromChrono(start), absl::UTCTimeZone());
  return absl::StrFormat(
      "%s"
      "# Values are microseconds; Interval_Max is in milliseconds.\n"
      "#[Histogram log format version 1.3]\n"
      "#[StartTime: %.3f (seconds since epoch), %s]\n"
      "#[BaseTime: %.3f (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      comment.empty() ? "" : CommentLines(comment), epoch_seconds, date, epoch_seconds);
}

std::string HdrLogLine(const HdrLogInterval& interval, const Histogram& histogram) {
  return absl::StrFormat("%s%.3f,%.3f,%.3f,%s\n", TagField(interval.tag), Seconds(interval.start),
                         Seconds(interval.length), static_cast<double>(histogram.Max()) / kUsPerMs,
                         absl::Base64Escape(Compress(Encode(histogram))));
}

}  // namespace handshake::stats

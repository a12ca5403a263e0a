#include "common/stats/hdr_log.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>
#include <span>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

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

// ZigZag: the sign becomes the lowest bit. LEB128: seven bits a byte, the lowest first, the highest
// bit saying that more follow, except that a ninth byte is the last and has eight of them.
void AppendVariableWidth(int64_t number, std::string& out) {
  uint64_t rest = (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
  for (int byte = 0; byte < 8 && rest > 0x7f; ++byte) {
    out += static_cast<char>(rest | 0x80);
    rest >>= 7;
  }
  out += static_cast<char>(rest);
}

// The counts up to the last bucket in use, at least the first; n > 1 zeros in a row are a -n.
std::string EncodeCounts(const Histogram& histogram) {
  const int last = histogram.layout().IndexOf(histogram.Max());
  const std::span<const int64_t> used = histogram.buckets().first(static_cast<size_t>(last) + 1);
  std::string out;
  for (auto next = used.begin(); next != used.end();) {
    const auto counted = std::find_if(next, used.end(), [](int64_t count) { return count != 0; });
    const int64_t zeros = counted - next;
    AppendVariableWidth(zeros > 1 ? -zeros : *next, out);
    next += std::max<int64_t>(zeros, 1);
  }
  return out;
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

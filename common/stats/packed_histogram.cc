#include "common/stats/packed_histogram.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace handshake::stats {
namespace {

// Of a number: ZigZag, the sign becomes the lowest bit, then LEB128: seven bits a byte, the lowest
// first, the highest bit saying that more follow, except that a ninth byte is the last and has
// eight.
constexpr int kLastByte = 8;

void Append(int64_t number, std::string& out) {
  uint64_t rest = (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
  for (int byte = 0; byte < kLastByte && rest > 0x7f; ++byte) {
    out += static_cast<char>(rest | 0x80);
    rest >>= 7;
  }
  out += static_cast<char>(rest);
}

int64_t Take(std::string_view& bytes) {
  uint64_t number = 0;
  for (int byte = 0;; ++byte) {
    const auto next = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    const bool last = byte == kLastByte || next <= 0x7f;
    number |= uint64_t{last ? next : next & 0x7fU} << (7 * byte);
    if (last) break;
  }
  return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
}

}  // namespace

// The counts up to the last bucket in use; n > 1 zeros in a row are a -n.
PackedHistogram::PackedHistogram(const Histogram& histogram)
    : layout_(histogram.layout()), count_(histogram.count()) {
  if (count_ == 0) return;
  const int last = layout_.IndexOf(histogram.Max());
  const std::span<const int64_t> used = histogram.buckets().first(static_cast<size_t>(last) + 1);
  for (auto next = used.begin(); next != used.end();) {
    const auto counted = std::find_if(next, used.end(), [](int64_t count) { return count != 0; });
    const int64_t zeros = counted - next;
    Append(zeros > 1 ? -zeros : *next, bytes_);
    next += std::max<int64_t>(zeros, 1);
  }
  bytes_.shrink_to_fit();
}

void PackedHistogram::MergeInto(Histogram& into) const {
  assert(layout_ == into.layout());
  std::string_view rest = bytes_;
  for (int64_t index = 0; !rest.empty();) {
    const int64_t number = Take(rest);
    if (number > 0) into.AddToBucket(static_cast<int>(index), number);
    index += number < 0 ? -number : 1;
  }
}

}  // namespace handshake::stats

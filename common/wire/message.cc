#include "common/wire/message.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

namespace handshake::wire {
namespace {

constexpr std::string_view kPrefix = "HELLO ";

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// `-`? digits without a leading zero; "-" and "" are not numbers, "-0" is not canonical.
bool IsCanonicalNumber(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || !AllDigits(text)) return false;
  if (text[0] == '0') return text.size() == 1 && !negative;
  return true;
}

}  // namespace

ParsedMessage ParseMessage(std::string_view text) {
  if (!text.starts_with(kPrefix)) return {};
  text.remove_prefix(kPrefix.size());
  if (!IsCanonicalNumber(text)) return {};
  ParsedMessage message;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), message.number);
  message.verdict = error == std::errc() ? Verdict::kOk : Verdict::kOverflow;
  return message;
}

bool CanContinue(std::string_view text) {
  if (text.size() <= kPrefix.size()) return kPrefix.starts_with(text);
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  if (text == "-") return true;
  if (text == "0" || !IsCanonicalNumber(text)) return false;
  int64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) {
    return false;
  }
  using Limits = std::numeric_limits<int64_t>;  // is there room for one digit more?
  return number <= Limits::max() / 10 && number >= Limits::min() / 10;
}

size_t FormatMessage(int64_t number, std::string_view terminator,
                     std::span<char, kMaxValidMessageBytes> out) {
  std::memcpy(out.data(), kPrefix.data(), kPrefix.size());
  const auto [end, error] =
      std::to_chars(out.data() + kPrefix.size(), out.data() + out.size(), number);
  assert(error == std::errc() && terminator.size() <= 2);
  std::memcpy(end, terminator.data(), terminator.size());
  return static_cast<size_t>(end - out.data()) + terminator.size();
}

}  // namespace handshake::wire

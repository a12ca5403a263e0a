#include "control/report/humane.h"

#include <array>
#include <cmath>
#include <ctime>
#include <limits>

#include "absl/strings/str_format.h"

namespace handshake::report {
namespace {

constexpr int64_t kExactBelow = 10'000'000;
constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// `number` (0 <= number < 1000) with three significant digits.
std::string ThreeDigits(double number) {
  if (number == 0) return "0";
  if (number < 9.995) return absl::StrFormat("%.2f", number);
  if (number < 99.95) return absl::StrFormat("%.1f", number);
  return absl::StrFormat("%.0f", number);
}

// Divides by `base` until fewer than 1000 are left; returns the steps taken, at most `max_steps`.
int Reduce(double& number, double base, int max_steps) {
  int steps = 0;
  while (number >= 999.5 && steps < max_steps) {
    number /= base;
    ++steps;
  }
  return steps;
}

std::string WithSign(bool negative, std::string text) {
  return negative ? "-" + std::move(text) : std::move(text);
}

std::string WithSeparators(int64_t count) {  // 0 <= count
  std::string digits = std::to_string(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string LongSpan(int64_t seconds) {
  if (seconds < kHour) return absl::StrFormat("%dm %02ds", seconds / kMinute, seconds % kMinute);
  if (seconds < kDay) {
    return absl::StrFormat("%dh %02dm %02ds", seconds / kHour, seconds % kHour / kMinute,
                           seconds % kMinute);
  }
  return absl::StrFormat("%dd %02dh", seconds / kDay, seconds % kDay / kHour);
}

std::string FormatTime(const google::protobuf::Timestamp& time, const char* format) {
  if (time.seconds() == 0 && time.nanos() == 0) return std::string(kNothing);
  const time_t seconds = time.seconds();
  std::tm utc{};
  std::array<char, 64> text{};
  if (gmtime_r(&seconds, &utc) == nullptr) return std::string(kNothing);
  const size_t length = std::strftime(text.data(), text.size(), format, &utc);
  return std::string(text.data(), length);
}

}  // namespace

int64_t Sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

int64_t Less(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

std::string Count(int64_t count) {
  if (count > -kExactBelow && count < kExactBelow) {
    return WithSign(count < 0, WithSeparators(std::abs(count)));
  }
  return Short(static_cast<double>(count));
}

std::string Short(double number) {
  static constexpr std::array<std::string_view, 7> kLetters = {"", "k", "M", "G", "T", "P", "E"};
  if (!std::isfinite(number)) return std::string(kNothing);
  double rest = std::abs(number);
  const int steps = Reduce(rest, 1'000, kLetters.size() - 1);
  return WithSign(number < 0, ThreeDigits(rest) + std::string(kLetters[steps]));
}

std::string ShortCount(int64_t count) {
  if (count > -1'000 && count < 1'000) return std::to_string(count);
  return Short(static_cast<double>(count));
}

std::string Change(double ratio) {
  const double percent = (ratio - 1) * 100;
  if (percent >= 99.5) return absl::StrFormat("x%s", Short(ratio));
  return absl::StrFormat("%+.1f%%", percent);
}

std::string Rate(double per_second) { return Short(per_second) + "/s"; }

std::string Bytes(int64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                             "TiB", "PiB", "EiB"};
  double rest = std::abs(static_cast<double>(bytes));
  const int steps = Reduce(rest, 1'024, kUnits.size() - 1);
  const std::string digits = steps == 0 ? absl::StrFormat("%.0f", rest) : ThreeDigits(rest);
  return WithSign(bytes < 0, absl::StrFormat("%s %s", digits, kUnits[steps]));
}

std::string SpanUs(double microseconds) {
  if (!std::isfinite(microseconds)) return std::string(kNothing);
  const double size = std::abs(microseconds);
  const bool negative = microseconds < 0;
  if (size == 0) return "0 s";
  if (size < 999.5) return WithSign(negative, ThreeDigits(size) + " us");
  if (size < 999.5e3) return WithSign(negative, ThreeDigits(size / 1e3) + " ms");
  if (size < 59.95e6) return WithSign(negative, ThreeDigits(size / 1e6) + " s");
  return WithSign(negative, LongSpan(static_cast<int64_t>(std::llround(size / 1e6))));
}

std::string Span(const google::protobuf::Duration& span) { return SpanUs(ToSeconds(span) * 1e6); }

std::string MillisecondsUs(double microseconds) {
  const double ms = std::abs(microseconds) / 1e3;
  const bool negative = microseconds < 0;
  if (ms > 0 && ms < 0.9995) return WithSign(negative, absl::StrFormat("%.3f", ms));
  if (ms >= 999.5 && ms < 99'999.5) return WithSign(negative, absl::StrFormat("%.0f", ms));
  return Short(microseconds / 1e3);
}

std::string Milliseconds(const google::protobuf::Duration& span) {
  return MillisecondsUs(ToSeconds(span) * 1e6);
}

std::string DateTime(const google::protobuf::Timestamp& time) {
  return FormatTime(time, "%Y-%m-%d %H:%M:%SZ");
}

std::string TimeOfDay(const google::protobuf::Timestamp& time) {
  return FormatTime(time, "%H:%M:%S");
}

double ToSeconds(const google::protobuf::Duration& span) {
  return static_cast<double>(span.seconds()) + static_cast<double>(span.nanos()) / 1e9;
}

std::string Printable(std::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    if (c < ' ' || c > '~') c = '?';
  }
  return printable;
}

}  // namespace handshake::report

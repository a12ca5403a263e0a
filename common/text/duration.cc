#include "common/text/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace handshake::text {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
constexpr std::array<Unit, 6> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};

absl::Status NotADuration(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is not a duration: write a number and a unit (ns, us, ms, s, m, h), as "
                      "in 500ms or 1.5s",
                      text));
}

// "12.50" with at least one decimal reads "12.5", "12.000" reads "12".
void DropTrailingZeros(std::string& number) {
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
}

}  // namespace

absl::StatusOr<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit_begin, error] =
      std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || text.front() == '-') {
    return NotADuration(text);
  }
  for (const Unit& unit : kUnits) {
    if (std::string_view(unit_begin, end) != unit.name) continue;
    const double nanoseconds = number * static_cast<double>(unit.nanoseconds);
    if (nanoseconds >= static_cast<double>(INT64_MAX)) return NotADuration(text);
    return std::chrono::nanoseconds(std::llround(nanoseconds));
  }
  return NotADuration(text);
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  const int64_t count = duration.count();
  if (count == 0) return "0s";
  const Unit* chosen = &kUnits[0];
  for (const Unit& unit : kUnits) {
    // Above seconds only whole numbers: 90s, not 1.5m.
    const bool whole = count % unit.nanoseconds == 0;
    if (std::abs(count) >= unit.nanoseconds &&
        (unit.name.size() == 2 || unit.name == "s" || whole)) {
      chosen = &unit;
    }
  }
  std::string number = absl::StrFormat(
      "%.3f", static_cast<double>(count) / static_cast<double>(chosen->nanoseconds));
  DropTrailingZeros(number);
  return absl::StrFormat("%s%s", number, chosen->name);
}

}  // namespace handshake::text

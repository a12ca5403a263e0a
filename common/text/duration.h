// Durations as people write them on command lines and read them in messages.
#ifndef HANDSHAKE_COMMON_TEXT_DURATION_H_
#define HANDSHAKE_COMMON_TEXT_DURATION_H_

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace handshake::text {

// One decimal number, not negative, and one unit: "250us", "500ms", "1.5s", "2m", "1h"; "0" needs
// no unit. INVALID_ARGUMENT says what is expected. Rounded to a nanosecond.
absl::StatusOr<std::chrono::nanoseconds> ParseDuration(std::string_view text);

// The shortest of these forms with at most three decimals: "250us", "1.5s", "2m". What
// ParseDuration reads back, rounded to those decimals.
std::string FormatDuration(std::chrono::nanoseconds duration);

}  // namespace handshake::text

#endif  // HANDSHAKE_COMMON_TEXT_DURATION_H_

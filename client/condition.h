// A condition on what a run measured, as people write it: "p99 > 5ms", "errors > 0.1% over 10s".
#ifndef HANDSHAKE_CLIENT_CONDITION_H_
#define HANDSHAKE_CLIENT_CONDITION_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace handshake::client {

struct LoadReport;

enum class Metric : uint8_t {
  kP50,  // of successes, from the intended start in an open loop, else from connect
  kP90,
  kP99,
  kP999,
  kMax,
  kMean,
  kErrors,   // of the handshakes that ended: not ok
  kDropped,  // of the arrivals planned: no free place
  kRate,     // successes a second
};

enum class Comparison : uint8_t { kLess, kAtMost, kMore, kAtLeast, kEqual };

struct Condition {
  Metric metric = Metric::kP99;
  Comparison comparison = Comparison::kMore;
  double value = 0;      // us, a number, or percent
  bool percent = false;  // errors and dropped: a share of all, else a number
  // Judged over each part of the run that is so long; nothing: as a whole.
  std::optional<std::chrono::nanoseconds> over = std::nullopt;
  std::string text;  // as it was written
};

inline constexpr std::chrono::seconds kShortestWindow{1};
inline constexpr std::chrono::hours kLongestWindow{1};

// METRIC COMPARISON VALUE [over DURATION], the latter whole seconds from kShortestWindow to
// kLongestWindow; spaces are free around a comparison. INVALID_ARGUMENT names the column, from 1,
// and what may stand there.
absl::StatusOr<Condition> ParseCondition(std::string_view text);

// What a condition that stops a run is judged over: a second if it does not say.
std::chrono::nanoseconds StopWindowOf(const Condition& condition);

// Does it hold? Nothing: what it looks at was not measured.
std::optional<bool> Holds(const Condition& condition, const LoadReport& report);

// "p99 > 5ms: it is 8.1ms".
std::string Explain(const Condition& condition, const LoadReport& report);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_CONDITION_H_

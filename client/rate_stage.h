// A stage of an open loop as people write it: "10s:100..5000".
#ifndef HANDSHAKE_CLIENT_RATE_STAGE_H_
#define HANDSHAKE_CLIENT_RATE_STAGE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/rate_profile.h"

namespace handshake::client {

inline constexpr double kMostRate = 1'000'000;  // handshakes begun a second, of any open loop

// LENGTH:RATE holds a rate, LENGTH:FROM..TO goes evenly from one to the other; LENGTH is a duration
// above 0 as in text::ParseDuration, a rate a number from 0 to kMostRate. INVALID_ARGUMENT names
// the column, from 1, and what belongs there.
absl::StatusOr<RateStage> ParseRateStage(std::string_view text);

// What ParseRateStage() reads back.
std::string FormatRateStage(const RateStage& stage);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_RATE_STAGE_H_

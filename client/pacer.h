// When the handshakes of an open loop are to begin.
#ifndef HANDSHAKE_CLIENT_PACER_H_
#define HANDSHAKE_CLIENT_PACER_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

#include "client/rate_profile.h"

namespace handshake::client {

enum class Arrivals : uint8_t {
  kPoisson,  // independent of each other, as those of many strangers
  kEven,     // as far apart as can be
};

// One worker's share of a run's arrivals. It knows no clock: its times are a pure function of the
// profile, the arrivals, the seed and the share, the same each time. An arrival's place is a number
// of arrivals, and the profile turns it into a time; so when the profile changes from some time on,
// places stay, and what was to come follows the new rate without a gap or a burst. Used by one
// thread; allocates nothing.
class Pacer {
 public:
  // Borrows `profile`, and so does Follow(). share: from 0 to shares - 1; all shares together keep
  // the profile.
  Pacer(const RateProfile& profile, Arrivals arrivals, uint64_t seed, int64_t share,
        int64_t shares);

  // The next arrival, since the start of the run; never before the one before it. Nothing: there
  // are no more.
  std::optional<std::chrono::nanoseconds> Due() const { return profile_->TimeOf(position_); }
  // To the arrival behind it.
  void Advance() { position_ += Gap(); }
  // The profile has changed: Due() may come earlier or later now.
  void Follow(const RateProfile& profile) { profile_ = &profile; }

 private:
  double Gap();  // to the next arrival, in arrivals of the whole run

  const RateProfile* profile_;
  const Arrivals arrivals_;
  const double shares_;
  std::mt19937_64 random_;
  double position_;  // of the next arrival, in arrivals of the whole run
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_PACER_H_

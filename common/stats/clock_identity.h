// Which monotonic clock a process has.
#ifndef HANDSHAKE_COMMON_STATS_CLOCK_IDENTITY_H_
#define HANDSHAKE_COMMON_STATS_CLOCK_IDENTITY_H_

#include <string>

namespace handshake::stats {

// The same for processes whose monotonic clocks (std::chrono::steady_clock) show the same time: one
// boot of one machine, and one time namespace. Empty: it cannot be told.
std::string MonotonicClockIdentity();

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_CLOCK_IDENTITY_H_

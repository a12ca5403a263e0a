// Keeps a reason that repeats from flooding the log.
#ifndef HANDSHAKE_COMMON_LOG_RATE_LIMITER_H_
#define HANDSHAKE_COMMON_LOG_RATE_LIMITER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace handshake::log {

// At most `lines_per_second` lines for each of `reason_count` reasons. Thread-safe; owned by
// whoever logs; takes a lock, so it is for paths where something already went wrong.
class RateLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  RateLimiter(size_t reason_count, int64_t lines_per_second);

  // May a line about `reason` (below reason_count) be written at `now`? If so: how many were
  // suppressed since the last one that was written. If not, it is counted as suppressed.
  std::optional<int64_t> Allow(size_t reason, TimePoint now);

 private:
  struct Window {
    TimePoint begin{};
    int64_t written = 0;
    int64_t suppressed = 0;
  };
  const int64_t lines_per_second_;
  std::mutex mutex_;
  std::vector<Window> windows_;  // guarded by mutex_
};

}  // namespace handshake::log

#endif  // HANDSHAKE_COMMON_LOG_RATE_LIMITER_H_

#include "common/log/rate_limiter.h"

#include <utility>

namespace handshake::log {

RateLimiter::RateLimiter(size_t reason_count, int64_t lines_per_second)
    : lines_per_second_(lines_per_second), windows_(reason_count) {}

std::optional<int64_t> RateLimiter::Allow(size_t reason, TimePoint now) {
  const std::lock_guard lock(mutex_);
  Window& window = windows_[reason];
  if (now - window.begin >= std::chrono::seconds(1)) {
    window.begin = now;
    window.written = 0;
  }
  if (window.written == lines_per_second_) {
    ++window.suppressed;
    return std::nullopt;
  }
  ++window.written;
  return std::exchange(window.suppressed, 0);
}

}  // namespace handshake::log

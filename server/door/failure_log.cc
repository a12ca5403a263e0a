#include "server/door/failure_log.h"

#include <string>

#include "common/log/escape.h"
#include "common/log/rate_limiter.h"
#include "common/net/address.h"
#include "common/wire/verdict.h"
#include "spdlog/spdlog.h"

namespace handshake::server {
namespace {

constexpr int64_t kLinesPerSecond = 10;

spdlog::level::level_enum LevelOf(wire::Verdict verdict) {
  switch (wire::ClassOf(verdict)) {
    case wire::VerdictClass::kTimedOut:
    case wire::VerdictClass::kPeerGone:
      return spdlog::level::debug;
    default:
      return spdlog::level::info;
  }
}

}  // namespace

void LogFailure(const Connection& connection) {
  const wire::Verdict verdict = connection.session.verdict();
  if (verdict == wire::Verdict::kOk) return;  // it only says farewell
  const spdlog::level::level_enum level = LevelOf(verdict);
  if (!spdlog::should_log(level)) return;
  static log::RateLimiter limiter(wire::kVerdictCount, kLinesPerSecond);
  const auto suppressed = limiter.Allow(static_cast<size_t>(verdict), wire::Clock::now());
  if (!suppressed) return;
  spdlog::log(level, "{} failed: {} from {} in mode {}, read \"{}\"{}",
              connection.session.protocol().name(), wire::VerdictName(verdict),
              net::Address::OfPeer(connection.fd.get()).ToString(), ModeName(connection.birth_mode),
              log::Escape(connection.session.input()),
              *suppressed == 0 ? "" : " (" + std::to_string(*suppressed) + " more left out)");
}

}  // namespace handshake::server

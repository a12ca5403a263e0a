#include "control/rpc/grpc_log.h"

#include <chrono>

#include "common/log/rate_limiter.h"
#include "control/rpc/limits.h"
#include "grpc/support/log.h"
#include "spdlog/spdlog.h"

namespace handshake::control {
namespace {

void WriteGrpcLine(gpr_log_func_args* line) {
  static log::RateLimiter limiter(1, kRpcLogLinesPerSecond);
  const auto level =
      line->severity == GPR_LOG_SEVERITY_ERROR ? spdlog::level::warn : spdlog::level::debug;
  if (!spdlog::should_log(level)) return;
  const auto suppressed = limiter.Allow(0, std::chrono::steady_clock::now());
  if (!suppressed) return;
  if (*suppressed > 0) spdlog::log(level, "grpc: {} lines suppressed", *suppressed);
  spdlog::log(level, "grpc: {}", line->message);
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(&WriteGrpcLine); }

}  // namespace handshake::control

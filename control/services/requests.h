// Checks that several requests share. Each error names the field.
#ifndef HANDSHAKE_CONTROL_SERVICES_REQUESTS_H_
#define HANDSHAKE_CONTROL_SERVICES_REQUESTS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/rpc/limits.h"
#include "control/services/convert.h"

namespace handshake::control {

// 1 to kMaxPageSize; 0 is kDefaultPageSize.
absl::StatusOr<size_t> PageSize(int32_t page_size);
// At most kMaxRequestIdBytes.
absl::Status CheckRequestId(const std::string& request_id);
// The interval of a Watch request; absent is kDefaultWatchInterval.
template <class Request>
absl::StatusOr<std::chrono::nanoseconds> WatchInterval(const Request& request) {
  if (!request.has_interval()) return kDefaultWatchInterval;
  return FromProto(request.interval(), "interval", kMinWatchInterval, kMaxWatchInterval);
}

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_REQUESTS_H_

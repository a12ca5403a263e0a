#include "control/services/requests.h"

#include "absl/strings/str_format.h"

namespace handshake::control {

absl::StatusOr<size_t> PageSize(int32_t page_size) {
  if (page_size == 0) return kDefaultPageSize;
  if (page_size < 0 || page_size > kMaxPageSize) {
    return absl::InvalidArgumentError(absl::StrFormat("page_size must be from 1 to %d, or 0 for %d",
                                                      kMaxPageSize, kDefaultPageSize));
  }
  return static_cast<size_t>(page_size);
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= kMaxRequestIdBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("request_id must have at most %d bytes", kMaxRequestIdBytes));
}

}  // namespace handshake::control

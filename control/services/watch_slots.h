// How many streams of one Watch method may be open.
#ifndef HANDSHAKE_CONTROL_SERVICES_WATCH_SLOTS_H_
#define HANDSHAKE_CONTROL_SERVICES_WATCH_SLOTS_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"

namespace handshake::control {

// Thread-safe. Outlives its slots only by sharing its count with them, so it may go first.
class WatchSlots {
 public:
  // Held as long as a stream is open; copies share it.
  using Slot = std::shared_ptr<void>;

  explicit WatchSlots(int limit) : limit_(limit) {}

  // RESOURCE_EXHAUSTED if all are taken.
  absl::StatusOr<Slot> Take() {
    if (open_->fetch_add(1) >= limit_) {
      open_->fetch_sub(1);
      return absl::ResourceExhaustedError(absl::StrFormat(
          "%d streams are open, which is the limit: close one and try again", limit_));
    }
    return Slot(nullptr, [open = open_](void*) { open->fetch_sub(1); });
  }

 private:
  const int limit_;
  const std::shared_ptr<std::atomic<int>> open_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_WATCH_SLOTS_H_

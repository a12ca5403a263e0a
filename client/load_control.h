// What of a load run can be changed while it goes on, and what was.
#ifndef HANDSHAKE_CLIENT_LOAD_CONTROL_H_
#define HANDSHAKE_CLIENT_LOAD_CONTROL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/load_run.h"
#include "client/rate_profile.h"

namespace handshake::client {

// What the workers go by, until it changes.
struct LoadSettings {
  std::shared_ptr<const RateProfile> profile;  // open loop: of the whole run, pauses included
  int64_t concurrency = 0;                     // closed loop: 0 while paused
};

// Thread-safe. A change holds from the time it is made on: what an open loop had planned before it
// keeps its time. A pause is a rate, or a concurrency, of 0; time goes on, and stages with it.
class LoadControl {
 public:
  static constexpr size_t kMostChanges = 100'000;  // of a run; each makes its profile longer
  static constexpr size_t kMostEvents = 1'000;     // kept; what comes later is only counted

  explicit LoadControl(const LoadSpec& spec);

  // Of a change whose values are in range; `now`: since the start. All of it or nothing.
  // FAILED_PRECONDITION: a rate of stages or of a closed loop, a concurrency of an open one.
  // RESOURCE_EXHAUSTED: kMostChanges.
  absl::Status Change(const LoadChange& change, std::chrono::nanoseconds now);
  // Something that happened to the run, for its report.
  void Note(std::string text, std::chrono::nanoseconds now);

  // Another one if the settings may have changed; one load.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  LoadSettings settings() const;
  // What is asked for now, and the events; report.elapsed is set.
  void AddTo(LoadReport& report) const;

 private:
  absl::Status Check(const LoadChange& change) const;
  void SetRate(double rate, std::chrono::nanoseconds now);
  void SetPaused(bool paused, std::chrono::nanoseconds now);
  // The profile from `now` on is that of the rate, or of the pause.
  void Replan(std::chrono::nanoseconds now);
  void Record(std::string text, std::chrono::nanoseconds now);
  // How much of it lies behind the warm-up.
  std::chrono::nanoseconds Measured(std::chrono::nanoseconds from,
                                    std::chrono::nanoseconds to) const;

  const bool open_;
  const bool staged_;
  const std::chrono::nanoseconds warmup_;
  std::atomic<uint64_t> version_{1};
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  RateProfile asked_;  // without pauses
  std::shared_ptr<const RateProfile> profile_;
  double rate_;
  int64_t concurrency_;
  int64_t most_concurrency_;
  bool paused_ = false;
  std::chrono::nanoseconds paused_at_{};
  std::chrono::nanoseconds paused_time_{};  // of pauses that are over, behind the warm-up
  size_t changes_ = 0;
  std::vector<RunEvent> events_;
  int64_t event_count_ = 0;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LOAD_CONTROL_H_

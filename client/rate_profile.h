// How many handshakes a second are to begin, over the time of a run.
#ifndef HANDSHAKE_CLIENT_RATE_PROFILE_H_
#define HANDSHAKE_CLIENT_RATE_PROFILE_H_

#include <chrono>
#include <optional>
#include <vector>

namespace handshake::client {

struct RateStage {
  std::chrono::nanoseconds length{};  // above 0
  double from = 0;                    // handshakes a second at its begin, from 0
  double to = 0;                      // and at its end; it changes evenly in between
  friend bool operator==(const RateStage&, const RateStage&) = default;
};

// Stages one after the other. Constant after construction; used by any thread.
class RateProfile {
 public:
  explicit RateProfile(std::vector<RateStage> stages);

  const std::vector<RateStage>& stages() const { return stages_; }
  std::chrono::nanoseconds length() const;
  double peak() const;  // the highest rate, a second
  // How many handshakes are to begin from start to end: the area below the rate.
  double total() const;
  // When `arrivals` handshakes (from 0, fractions too) are to have begun, since the start: the
  // inverse of that area. Nothing: not before the end.
  std::optional<std::chrono::nanoseconds> TimeOf(double arrivals) const;
  // This one up to `at`, and from there on `rest`, each at its own times: what was to begin before
  // `at` keeps its time, the next ones follow without a gap or a burst.
  RateProfile ChangedAt(std::chrono::nanoseconds at, const RateProfile& rest) const;

 private:
  // What lies before a stage.
  struct Before {
    std::chrono::nanoseconds time{};
    double arrivals = 0;
  };

  std::vector<RateStage> stages_;
  std::vector<Before> before_;  // of each stage
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_RATE_PROFILE_H_

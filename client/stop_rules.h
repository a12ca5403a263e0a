// When a run is ended for the sake of its target, whatever its spec says.
#ifndef HANDSHAKE_CLIENT_STOP_RULES_H_
#define HANDSHAKE_CLIENT_STOP_RULES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/net/address.h"

namespace handshake::client {

// How a run's handshakes fare, those of the warm-up too.
struct Vitals {
  int64_t begun = 0;
  int64_t answered = 0;  // a correct HELLO X+1 came
  int64_t ended = 0;
  int64_t failed = 0;  // of these, not ok
};

// Judges a run once a second:
// - no correct answer in 5 s in which handshakes were begun or under way, rests between left out;
// - a target beyond loopback: more than half of what ended in 5 s had failed.
// Knows no clock. Used by one thread.
class StopRules {
 public:
  static constexpr size_t kSeconds = 5;

  explicit StopRules(const net::Address& target);

  // A second later: `now` counts from the start of the run. Why it must stop; empty: it goes on.
  std::string Judge(const Vitals& now);

 private:
  const net::Address target_;
  std::array<Vitals, kSeconds> before_{};  // of the last looks; looks_ % kSeconds: the oldest
  size_t looks_ = 0;
  Vitals last_;
  size_t silent_ = 0;  // seconds with questions since the last answer
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_STOP_RULES_H_

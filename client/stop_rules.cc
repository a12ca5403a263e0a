#include "client/stop_rules.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace handshake::client {

StopRules::StopRules(const net::Address& target) : target_(target) {}

std::string StopRules::Judge(const Vitals& now) {
  const Vitals last = std::exchange(last_, now);
  // The first looks count from the start, where all is 0.
  const Vitals oldest = std::exchange(before_[looks_++ % kSeconds], now);
  const bool tried = now.begun > last.begun || now.begun > now.ended;
  if (now.answered != last.answered) silent_ = 0;
  // A second in which nobody asked says nothing: bursts with rests between are counted on.
  if (now.answered == last.answered && tried) ++silent_;
  if (silent_ >= kSeconds) {
    return absl::StrFormat("no correct answer from %s for %d s", target_.ToString(), kSeconds);
  }
  const int64_t ended = now.ended - oldest.ended;
  const int64_t failed = now.failed - oldest.failed;
  if (!target_.IsLoopback() && looks_ >= kSeconds && failed > ended - failed) {
    return absl::StrFormat("%d of %d handshakes with %s failed in %d s", failed, ended,
                           target_.ToString(), kSeconds);
  }
  return "";
}

}  // namespace handshake::client

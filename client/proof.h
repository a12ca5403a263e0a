// Whether a target speaks the protocol, before any load is sent to it.
#ifndef HANDSHAKE_CLIENT_PROOF_H_
#define HANDSHAKE_CLIENT_PROOF_H_

#include <array>
#include <chrono>
#include <cstdint>

#include "client/load_run.h"
#include "common/net/wake_event.h"
#include "common/wire/verdict.h"

namespace handshake::client {

struct Proof {
  static constexpr int64_t kMostConnects = 10;
  // None is begun later, so that a target that swallows everything is given up soon.
  static constexpr std::chrono::seconds kLatestConnect{8};

  bool proven = false;                               // a correct HELLO X+1 came
  int64_t connects = 0;                              // a wrong target saw no more than these
  std::array<int64_t, wire::kVerdictCount> ended{};  // by verdict; [kNone]: `stop` came first
};

// Does handshakes with the target of `spec`, one after the other, until one is answered correctly,
// `stop` is raised, or they were too many; blocks meanwhile, in all at most kLatestConnect and one
// handshake. With the deadlines, framing and first sequence of `spec`.
Proof ProveTarget(const LoadSpec& spec, const net::WakeEvent& stop);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_PROOF_H_

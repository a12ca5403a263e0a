// The agent: a process that waits for load runs ordered over gRPC (handshake-client agent).
#ifndef HANDSHAKE_CONTROL_SERVICES_AGENT_H_
#define HANDSHAKE_CONTROL_SERVICES_AGENT_H_

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "client/target_list.h"
#include "common/net/address.h"

namespace handshake::control {

struct AgentOptions {
  net::Address control;  // loopback; port 0 picks a free one
  client::TargetList targets = {};
};

// Owned by main. Thread-safe. Serves LoadService, health and reflection until Stop().
class Agent {
 public:
  // INVALID_ARGUMENT: the address is not loopback. ALREADY_EXISTS: it is taken. Each message says
  // what to do.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentOptions& options);
  ~Agent();  // as Stop(0)

  // The address in force.
  const net::Address& control_address() const;

  // Reports NOT_SERVING, cancels the runs and ends the streams; calls still open after `deadline`
  // are cut. Idempotent. Returns when no thread of the agent is left.
  void Stop(std::chrono::nanoseconds deadline);

 private:
  struct Impl;
  explicit Agent(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_AGENT_H_

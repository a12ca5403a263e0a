#include "control/services/agent.h"

#include <utility>

#include "control/rpc/host.h"
#include "control/services/load_service.h"

namespace handshake::control {

struct Agent::Impl {
  explicit Impl(client::TargetList targets) : load(std::move(targets)) {}

  LoadService load;
  std::unique_ptr<Host> host;  // goes first
};

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentOptions& options) {
  auto impl = std::make_unique<Impl>(options.targets);
  absl::StatusOr<std::unique_ptr<Host>> host = Host::Start(options.control, {impl->load.hosted()});
  if (!host.ok()) return host.status();
  impl->host = *std::move(host);
  return std::unique_ptr<Agent>(new Agent(std::move(impl)));
}

Agent::Agent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Agent::~Agent() { Stop(std::chrono::nanoseconds(0)); }

const net::Address& Agent::control_address() const { return impl_->host->address(); }

void Agent::Stop(std::chrono::nanoseconds deadline) {
  impl_->host->ReportNotServing();
  impl_->load.Stop();
  impl_->host->Shutdown(deadline);
}

}  // namespace handshake::control

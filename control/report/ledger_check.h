// Asks a server for its counts at both ends of a load run, and what it switched meanwhile.
#ifndef HANDSHAKE_CONTROL_REPORT_LEDGER_CHECK_H_
#define HANDSHAKE_CONTROL_REPORT_LEDGER_CHECK_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "control/report/reconcile.h"
#include "grpcpp/channel.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// Begin() before the run's first connect, End() behind its last end. Each takes a snapshot of the
// server's that is younger than the call, which takes up to 100 ms; End() also waits a moment for
// what the run has left in flight there. Used by one thread; no interrupt cancels what it asks.
class LedgerCheck {
 public:
  // Control "HOST:PORT" of the server, and how long an answer of its may take. One that is no
  // address, or does not answer, or does not listen at the run's target, voids the claim.
  LedgerCheck(const std::string& endpoint, std::chrono::nanoseconds timeout);

  void Begin();
  // Is there a server, and does it listen at the run's target? After Begin().
  bool Serves(const v1::LoadRun& run) const;
  // Adds to the run what the server says of it: the reconciliation and, if that claims anything,
  // the server's switches of mode meanwhile, as events. Of switches that cannot be asked for, the
  // reconciliation still has the number.
  void End(v1::LoadRun& run);

 private:
  absl::StatusOr<v1::Server> AskServer() const;
  absl::StatusOr<v1::Stats> AskStats() const;
  // One made behind this call.
  absl::StatusOr<v1::Stats> FreshStats() const;
  // The same; waits until no more is in flight than there was, and not for long.
  absl::StatusOr<v1::Stats> SettledStats() const;
  v1::Reconciliation Compare(const v1::LoadRun& run);
  v1::ListModeSwitchesResponse AskSwitches() const;

  const std::string endpoint_;
  const std::chrono::nanoseconds timeout_;
  // Made anew for each end: one server's connection says nothing of its successor's.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel_;
  absl::StatusOr<ServerAccount> before_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_LEDGER_CHECK_H_

#include "control/report/ledger_check.h"

#include <poll.h>

#include <chrono>

#include "control/report/switch_events.h"
#include "control/rpc/channel.h"
#include "grpcpp/client_context.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::report {
namespace {

using std::chrono::steady_clock;

// Below the server's tick, so that a new snapshot is seen soon.
constexpr int kLookAgainMs = 10;
// What a run has left there is reset, and ended as soon as the server looks.
constexpr std::chrono::seconds kSettle{2};
constexpr int32_t kMostSwitches = 1'000;  // all that a server remembers

int64_t InFlight(const v1::Stats& stats) { return ServerCounts(stats).in_flight_count(); }

}  // namespace

LedgerCheck::LedgerCheck(const std::string& endpoint, std::chrono::nanoseconds timeout)
    : endpoint_(endpoint),
      timeout_(timeout),
      channel_(absl::UnavailableError("not connected")),
      before_(absl::UnavailableError("the server was not asked before the run")) {}

void LedgerCheck::Begin() {
  channel_ = control::MakeChannel(endpoint_);
  const absl::StatusOr<v1::Server> server = AskServer();
  if (!server.ok()) {
    before_ = server.status();
    return;
  }
  const absl::StatusOr<v1::Stats> stats = FreshStats();
  if (stats.ok()) {
    before_ = ServerAccount{*server, *stats};
  } else {
    before_ = stats.status();
  }
}

bool LedgerCheck::Serves(const v1::LoadRun& run) const {
  return before_.ok() && ListensAtTarget(before_->server, run);
}

void LedgerCheck::End(v1::LoadRun& run) {
  *run.mutable_reconciliation() = Compare(run);
  if (run.reconciliation().mode_switch_count() == 0) return;
  AddSwitchEvents(AskSwitches(), before_->stats.generation(), run);
}

v1::Reconciliation LedgerCheck::Compare(const v1::LoadRun& run) {
  if (!Serves(run)) return Reconcile(run, endpoint_, before_, before_);
  channel_ = control::MakeChannel(endpoint_);
  const absl::StatusOr<v1::Stats> stats = SettledStats();
  const absl::StatusOr<v1::Server> server = stats.ok() ? AskServer() : stats.status();
  if (!server.ok()) return Reconcile(run, endpoint_, before_, server.status());
  return Reconcile(run, endpoint_, before_, ServerAccount{*server, *stats});
}

v1::ListModeSwitchesResponse LedgerCheck::AskSwitches() const {
  grpc::ClientContext context;
  control::SetTimeout(context, timeout_);
  v1::ListModeSwitchesRequest request;
  request.set_page_size(kMostSwitches);
  v1::ListModeSwitchesResponse switches;
  const auto stub = v1::ServerService::NewStub(*channel_);
  (void)stub->ListModeSwitches(&context, request, &switches);
  return switches;
}

absl::StatusOr<v1::Server> LedgerCheck::AskServer() const {
  if (!channel_.ok()) return channel_.status();
  grpc::ClientContext context;
  control::SetTimeout(context, timeout_);
  v1::Server server;
  const auto stub = v1::ServerService::NewStub(*channel_);
  const grpc::Status status = stub->GetServer(&context, {}, &server);
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return absl::UnimplementedError(endpoint_ + " is no server's control address");
  }
  if (!status.ok()) return control::Explain(status, endpoint_);
  return server;
}

absl::StatusOr<v1::Stats> LedgerCheck::AskStats() const {
  grpc::ClientContext context;
  control::SetTimeout(context, timeout_);
  v1::Stats stats;
  const auto stub = v1::ServerService::NewStub(*channel_);
  const grpc::Status status = stub->GetStats(&context, {}, &stats);
  if (!status.ok()) return control::Explain(status, endpoint_);
  return stats;
}

absl::StatusOr<v1::Stats> LedgerCheck::FreshStats() const {
  // The first may have been made before this call, the next one not.
  const absl::StatusOr<v1::Stats> first = AskStats();
  if (!first.ok()) return first;
  const auto deadline = steady_clock::now() + timeout_;
  while (steady_clock::now() < deadline) {
    absl::StatusOr<v1::Stats> next = AskStats();
    if (!next.ok() || next->sequence() != first->sequence()) return next;
    poll(nullptr, 0, kLookAgainMs);
  }
  return absl::DeadlineExceededError(endpoint_ + " gives old statistics only");
}

absl::StatusOr<v1::Stats> LedgerCheck::SettledStats() const {
  const auto deadline = steady_clock::now() + kSettle;
  while (true) {
    absl::StatusOr<v1::Stats> stats = FreshStats();
    if (!stats.ok() || InFlight(*stats) <= InFlight(before_->stats)) return stats;
    if (steady_clock::now() >= deadline) return stats;
  }
}

}  // namespace handshake::report

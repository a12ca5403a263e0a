#include "control/report/reconcile.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/strings/str_format.h"
#include "common/net/address.h"
#include "control/report/humane.h"
#include "control/report/names.h"
#include "control/report/step_counts.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;
using Failures = google::protobuf::RepeatedPtrField<v1::VerdictCount>;
using ByVerdict = std::map<v1::Verdict, int64_t>;

int64_t CountOf(const Failures& failures, v1::Verdict verdict) {
  int64_t count = 0;
  for (const v1::VerdictCount& failure : failures) {
    if (failure.verdict() == verdict) count = Sum(count, failure.count());
  }
  return count;
}

ByVerdict Added(const Failures& a, const Failures& b) {
  ByVerdict sums;
  for (const Failures* failures : {&a, &b}) {
    for (const v1::VerdictCount& failure : *failures) {
      int64_t& sum = sums[failure.verdict()];
      sum = Sum(sum, failure.count());
    }
  }
  return sums;
}

void SetFailures(const ByVerdict& failures, v1::HandshakeCounts& counts) {
  for (const auto& [verdict, count] : failures) {
    if (count == 0) continue;
    v1::VerdictCount& failure = *counts.add_failures();
    failure.set_verdict(verdict);
    failure.set_count(count);
    counts.set_failed_count(Sum(counts.failed_count(), count));
  }
}

// All that the run did, its warm-up included.
v1::HandshakeCounts ClientCounts(const v1::LoadRun& run) {
  const v1::HandshakeCounts& left_out = run.left_out();
  v1::HandshakeCounts counts;
  counts.set_started_count(Sum(run.started_count(), left_out.started_count()));
  counts.set_ok_count(Sum(run.ok_count(), left_out.ok_count()));
  counts.set_in_flight_count(Sum(run.in_flight_count(), left_out.in_flight_count()));
  SetFailures(Added(run.failures(), left_out.failures()), counts);
  SetSteps(LedgerEnd::kClient, counts);
  return counts;
}

// A row of the server's ledger: of a listener or of a mode.
template <class Row>
void AddRow(const Row& row, v1::HandshakeCounts& counts, Failures& failures) {
  counts.set_started_count(Sum(counts.started_count(), row.accepted_count()));
  counts.set_ok_count(Sum(counts.ok_count(), row.completed_count()));
  counts.set_in_flight_count(Sum(counts.in_flight_count(), row.in_flight_count()));
  failures.MergeFrom(row.failures());
}

// What it did between two moments of one life.
v1::HandshakeCounts Between(const v1::HandshakeCounts& before, const v1::HandshakeCounts& after) {
  v1::HandshakeCounts counts;
  counts.set_started_count(Less(after.started_count(), before.started_count()));
  counts.set_ok_count(Less(after.ok_count(), before.ok_count()));
  counts.set_in_flight_count(Less(after.in_flight_count(), before.in_flight_count()));
  ByVerdict failures;
  for (const v1::VerdictCount& failure : after.failures()) {
    failures[failure.verdict()] =
        Less(failure.count(), CountOf(before.failures(), failure.verdict()));
  }
  SetFailures(failures, counts);
  SetSteps(LedgerEnd::kServer, counts);
  return counts;
}

// Connections that the run made, as far as it knows.
int64_t Connected(const v1::HandshakeCounts& client) {
  int64_t connected = client.started_count();
  for (const v1::Verdict verdict : {v1::VERDICT_CONNECT_REFUSED, v1::VERDICT_CONNECT_TIMEOUT,
                                    v1::VERDICT_UNREACHABLE, v1::VERDICT_NO_LOCAL_RESOURCE}) {
    connected = Less(connected, CountOf(client.failures(), verdict));
  }
  return connected;
}

bool SameLife(const v1::Server& before, const v1::Server& after) {
  return before.process_id() == after.process_id() &&
         before.start_time().seconds() == after.start_time().seconds() &&
         before.start_time().nanos() == after.start_time().nanos();
}

// Why nothing can be claimed; empty: something can.
std::string WhyVoid(const v1::LoadRun& run, const absl::StatusOr<ServerAccount>& before,
                    const absl::StatusOr<ServerAccount>& after) {
  if (!before.ok()) return std::string(before.status().message());
  if (!ListensAtTarget(before->server, run)) {
    const auto& addresses = before->server.listen_addresses();
    return absl::StrFormat("that server listens at %s, not at the target",
                           addresses.empty() ? "no address" : addresses.Get(0));
  }
  if (!after.ok()) {
    return "behind the run " + std::string(after.status().message());
  }
  if (!SameLife(before->server, after->server)) {
    return absl::StrFormat("the server was restarted meanwhile: process %d is now %d",
                           before->server.process_id(), after->server.process_id());
  }
  return "";
}

bool EndedEarly(const v1::LoadRun& run) {
  const bool stopped = run.state() == v1::LoadRun::STATE_FAILED && !run.state_reason().empty();
  return run.state() == v1::LoadRun::STATE_CANCELLED || stopped;
}

// "17 were ok here", "17 to 22 fit, for 3 are unconfirmed and 2 were cut".
std::string Expected(int64_t ok, int64_t unconfirmed, int64_t cut) {
  if (unconfirmed == 0 && cut == 0) return Count(ok) + " were ok here";
  std::string doubtful;
  if (unconfirmed > 0) doubtful = Count(unconfirmed) + " are unconfirmed";
  if (cut > 0) doubtful += (doubtful.empty() ? "" : " and ") + Count(cut) + " were cut";
  return absl::StrFormat("%s to %s fit, for %s", Count(ok), Count(Sum(ok, Sum(unconfirmed, cut))),
                         doubtful);
}

// The rule and how it went, of two ends that can be compared.
void Judge(const v1::LoadRun& run, v1::Reconciliation& to) {
  const int64_t ok = to.client().ok_count();
  const int64_t completed = to.server().ok_count();
  const int64_t unconfirmed = CountOf(to.client().failures(), v1::VERDICT_UNCONFIRMED);
  const int64_t cut = to.client().in_flight_count();
  const int64_t difference = Less(completed, ok);
  const int64_t allowed = Sum(unconfirmed, cut);
  const bool early = EndedEarly(run);
  to.set_difference_count(difference);
  to.set_allowed_difference_count(allowed);
  to.set_rule(!early && allowed == 0 ? v1::Reconciliation::RULE_EQUAL
                                     : v1::Reconciliation::RULE_BETWEEN);

  const int64_t ended_there = Sum(completed, to.server().failed_count());
  const int64_t of_others = Less(ended_there, to.connected_count());
  std::string verdict;
  if (completed < ok) {
    to.set_outcome(v1::Reconciliation::OUTCOME_DIFFERS);
    verdict = absl::StrFormat(": %s are missing", Count(Less(ok, completed)));
  } else if (of_others > 0) {
    to.set_outcome(v1::Reconciliation::OUTCOME_OTHER_CLIENTS);
    verdict = absl::StrFormat("; it ended %s more than this run connected: other clients?",
                              Count(of_others));
  } else if (difference > allowed) {
    to.set_outcome(v1::Reconciliation::OUTCOME_DIFFERS);
    verdict = absl::StrFormat(": %s too many", Count(Less(difference, allowed)));
  } else {
    to.set_outcome(v1::Reconciliation::OUTCOME_AGREES);
  }
  to.set_reason(absl::StrFormat("%sthe server completed %s, and %s%s",
                                early ? "the run ended early; " : "", Count(completed),
                                Expected(ok, unconfirmed, cut), verdict));
}

Cell Difference(int64_t client, int64_t server) {
  const int64_t difference = Less(server, client);
  return Cell(absl::StrFormat("%s%s", difference > 0 ? "+" : "", Count(difference)),
              difference == 0 ? Tone::kPlain : Tone::kWarning);
}

// "30", "28 to 30".
std::string StepText(const v1::StepCount& step) {
  const std::string least = Count(step.finished_count());
  if (step.untold_count() == 0) return least;
  return least + " to " + Count(Sum(step.finished_count(), step.untold_count()));
}

void AddSteps(const v1::Reconciliation& both, Table& table) {
  const auto& client = both.client().steps();
  const auto& server = both.server().steps();
  for (int i = 0; i < std::min(client.size(), server.size()); ++i) {
    const bool exact = client[i].untold_count() == 0 && server[i].untold_count() == 0;
    table.Add(
        {absl::StrFormat("step %d", i + 1), StepText(client[i]), StepText(server[i]),
         exact ? Difference(client[i].finished_count(), server[i].finished_count()) : Cell("")});
  }
}

}  // namespace

v1::HandshakeCounts ServerCounts(const v1::Stats& stats) {
  v1::HandshakeCounts counts;
  Failures failures;
  const bool has_rows =
      std::any_of(stats.listeners().begin(), stats.listeners().end(),
                  [](const v1::ListenerStats& listener) { return listener.accepted_count() > 0; });
  for (const v1::ListenerStats& listener : stats.listeners()) {
    if (has_rows && listener.protocol() == "handshake") AddRow(listener, counts, failures);
  }
  for (const v1::ModeStats& mode : stats.modes()) {
    if (!has_rows) AddRow(mode, counts, failures);
  }
  SetFailures(Added(failures, {}), counts);
  return counts;
}

v1::Reconciliation Reconcile(const v1::LoadRun& run, const std::string& endpoint,
                             const absl::StatusOr<ServerAccount>& before,
                             const absl::StatusOr<ServerAccount>& after) {
  v1::Reconciliation to;
  to.set_server_endpoint(endpoint);
  *to.mutable_client() = ClientCounts(run);
  to.set_connected_count(Connected(to.client()));
  if (const std::string why = WhyVoid(run, before, after); !why.empty()) {
    to.set_rule(v1::Reconciliation::RULE_VOID);
    to.set_outcome(v1::Reconciliation::OUTCOME_NO_CLAIM);
    to.set_reason(why);
    return to;
  }
  *to.mutable_server() = Between(ServerCounts(before->stats), ServerCounts(after->stats));
  to.set_mode_switch_count(Less(after->stats.generation(), before->stats.generation()));
  Judge(run, to);
  return to;
}

bool ListensAt(const v1::Server& server, const std::string& target) {
  const absl::StatusOr<net::Address> address = net::Address::Parse(target);
  if (!address.ok()) return false;
  const std::string wildcard = address->family() == AF_INET6 ? "[::]" : "0.0.0.0";
  const std::string anywhere = absl::StrFormat("%s:%d", wildcard, address->port());
  const auto takes_it = [&](const std::string& listens) {
    return listens == address->ToString() || (address->IsLoopback() && listens == anywhere);
  };
  return std::any_of(server.listen_addresses().begin(), server.listen_addresses().end(), takes_it);
}

bool ListensAtTarget(const v1::Server& server, const v1::LoadRun& run) {
  return ListensAt(server,
                   run.target_address().empty() ? run.spec().target() : run.target_address());
}

Cell ReconciliationCell(const v1::Reconciliation& reconciliation) {
  std::string reason = ": " + Printable(reconciliation.reason());
  if (const int64_t switches = reconciliation.mode_switch_count(); switches > 0) {
    reason += absl::StrFormat("; %s switch%s of mode meanwhile", Count(switches),
                              switches == 1 ? "" : "es");
  }
  switch (reconciliation.outcome()) {
    case v1::Reconciliation::OUTCOME_AGREES:
      return {"agrees" + reason, Tone::kGood};
    case v1::Reconciliation::OUTCOME_DIFFERS:
      return {"differs" + reason, Tone::kBad};
    case v1::Reconciliation::OUTCOME_OTHER_CLIENTS:
      return {"cannot be told" + reason, Tone::kWarning};
    default:
      return {"no claim" + reason, Tone::kWarning};
  }
}

std::string ReconciliationTable(const v1::Reconciliation& reconciliation, Style style) {
  if (!reconciliation.has_server()) return "";
  const v1::HandshakeCounts& client = reconciliation.client();
  const v1::HandshakeCounts& server = reconciliation.server();
  Table table({{"BOTH ENDS", Kind::kText},
               {"CLIENT", Kind::kNumber},
               {"SERVER", Kind::kNumber},
               {"DIFFERENCE", Kind::kNumber}});
  const auto row = [&](const char* name, int64_t here, int64_t there) {
    table.Add({name, Count(here), Count(there), Difference(here, there)});
  };
  row("connections", reconciliation.connected_count(), server.started_count());
  AddSteps(reconciliation, table);
  row("ok", client.ok_count(), server.ok_count());
  // Those that did not come to be connections are the client's alone.
  const int64_t unconnected = Less(client.started_count(), reconciliation.connected_count());
  row("failed", Less(client.failed_count(), unconnected), server.failed_count());
  row("in flight", client.in_flight_count(), server.in_flight_count());
  for (const auto& [verdict, unused] : Added(client.failures(), server.failures())) {
    table.Add({"  " + VerdictName(verdict), Count(CountOf(client.failures(), verdict)),
               Count(CountOf(server.failures(), verdict)), ""});
  }
  return "\n" + table.Render(style);
}

}  // namespace handshake::report

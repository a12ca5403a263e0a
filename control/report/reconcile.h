// The two ends of a load run side by side: what the run counted, and what its server did.
#ifndef HANDSHAKE_CONTROL_REPORT_RECONCILE_H_
#define HANDSHAKE_CONTROL_REPORT_RECONCILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"

namespace handshake::report {

// What a server says at one moment. Of a pair around a run, the first counts are from behind the
// first identity and the last ones from before the last identity: equal identities then mean that
// both counts are of one life.
struct ServerAccount {
  v1::Server server;
  v1::Stats stats;
};

// What a server has done with handshakes since its start: at its listeners for them, or, of a
// server that does not count by listener, in all modes.
v1::HandshakeCounts ServerCounts(const v1::Stats& stats);

// Of a run that has ended; before: its first connect; after: its last end. A status is why the
// server could not be asked, in words. Pure.
//
// Let ok, unconfirmed and cut be what the run counted, its warm-up included: cut are those it still
// had in flight. Of these the server may have completed
//
//   completed = ok                                   ended by itself, none unconfirmed, none cut
//   ok <= completed <= ok + unconfirmed + cut        otherwise
//
// whatever modes it went through meanwhile. Nothing is claimed of a server that is not the same
// process at both moments, or does not listen at the run's target. One that ended more connections
// than the run made had other clients; then only ok <= completed can be judged.
v1::Reconciliation Reconcile(const v1::LoadRun& run, const std::string& endpoint,
                             const absl::StatusOr<ServerAccount>& before,
                             const absl::StatusOr<ServerAccount>& after);

// Does this server listen at `target`, "HOST:PORT"? A wildcard address is taken for the loopback
// addresses of its family only: of another one it cannot be told whether it is that machine's.
bool ListensAt(const v1::Server& server, const std::string& target);
// The same of the run's target; a name is what it was resolved to, if the run says it.
bool ListensAtTarget(const v1::Server& server, const v1::LoadRun& run);

// The claim and how it went, for the page of a run.
Cell ReconciliationCell(const v1::Reconciliation& reconciliation);
// Both ends' numbers, below an empty line; nothing if there is only one.
std::string ReconciliationTable(const v1::Reconciliation& reconciliation, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_RECONCILE_H_

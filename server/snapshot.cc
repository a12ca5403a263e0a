#include "server/snapshot.h"

namespace handshake::server {

Snapshot::Snapshot() : orphan_gap(stats::kServerLatencyLayout) {}

}  // namespace handshake::server

#include "server/snapshot.h"

#include <numeric>

namespace handshake::server {

ModeStats::ModeStats()
    : handshake(stats::kServerLatencyLayout),
      first_byte(stats::kServerLatencyLayout),
      first_to_last(stats::kServerLatencyLayout) {}

int64_t ModeStats::failed() const {
  return std::accumulate(ended.begin(), ended.end(), int64_t{0}) - completed();
}

Snapshot::Snapshot() : orphan_gap(stats::kServerLatencyLayout) {}

}  // namespace handshake::server

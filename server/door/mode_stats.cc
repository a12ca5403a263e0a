#include "server/door/mode_stats.h"

#include <numeric>

namespace handshake::server {

ModeStats::ModeStats()
    : handshake(stats::kServerLatencyLayout),
      first_byte(stats::kServerLatencyLayout),
      first_to_last(stats::kServerLatencyLayout) {}

int64_t LedgerRow::failed() const {
  return std::accumulate(ended.begin(), ended.end(), int64_t{0}) - completed();
}

}  // namespace handshake::server

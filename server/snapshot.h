// What the data plane knows about itself at one instant. Immutable once made; times are monotonic
// unless they say otherwise.
#ifndef HANDSHAKE_SERVER_SNAPSHOT_H_
#define HANDSHAKE_SERVER_SNAPSHOT_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/stats/histogram.h"
#include "common/stats/kernel_counters.h"
#include "common/stats/process_usage.h"
#include "common/wire/verdict.h"
#include "server/door/listener.h"
#include "server/door/mode.h"
#include "server/door/mode_stats.h"

namespace handshake::server {

struct Snapshot {
  int64_t sequence = 0;  // 1, 2, ...: one a tick
  std::chrono::system_clock::time_point time;
  std::chrono::nanoseconds uptime{};
  Mode mode = Mode::kSequential;
  int64_t generation = 0;  // 1 at the start, +1 for each switch
  std::array<ModeStats, kModeCount> modes;
  // Averages over the last second (less, if the process is younger).
  double accepted_per_second = 0;
  double completed_per_second = 0;
  double failed_per_second = 0;
  int64_t lobby_count = 0;            // connections that wait in the lobby
  int64_t draining_engine_count = 0;  // of earlier generations, not gone yet
  stats::Histogram orphan_gap;        // us a record spent between an engine and the lobby's watch
  int64_t births_after_stop = 0;      // taken by an engine after it had stopped taking: always 0
  stats::ProcessUsage process;
  stats::ListenCounters listen_counters;
  std::vector<ListenerStats> listeners;
  Snapshot();
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_SNAPSHOT_H_

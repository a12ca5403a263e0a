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
#include "common/stats/process_usage.h"
#include "common/wire/verdict.h"
#include "server/door/mode.h"

namespace handshake::server {

// The ledger of the connections born in one mode, since the process started. At rest
// accepted = sum of ended + in_flight, and `ended` splits by wire::ClassOf into the ledger
// equation.
struct ModeStats {
  int64_t accepted = 0;
  std::array<int64_t, wire::kVerdictCount> ended{};  // by final verdict; [kOk] is completed
  int64_t in_flight = 0;                             // accepted and not ended, wherever they are
  int64_t held = 0;                                  // of those, past message 2 and before the end
  int64_t handed_over = 0;  // passed to the lobby by an engine; counted each time
  int64_t bytes_received = 0;
  int64_t bytes_sent = 0;
  std::chrono::nanoseconds engine_cpu{};  // of the threads of this mode's engines, ended ones too
  // Completed handshakes, microseconds.
  stats::Histogram handshake;      // accept to the end
  stats::Histogram first_byte;     // accept to the first byte read
  stats::Histogram first_to_last;  // first byte read to the end
  ModeStats();
  int64_t completed() const { return ended[static_cast<int>(wire::Verdict::kOk)]; }
  int64_t failed() const;  // ended, but not completed
};

struct ListenerStats {
  std::string address;
  std::string protocol;            // "handshake"
  std::string framing;             // "auto", "line", "bare"
  int64_t accept_queue = 0;        // connections that wait to be accepted
  int64_t accept_queue_limit = 0;  // the backlog in force
  int64_t dropped = 0;             // connection attempts dropped at this listener (SO_MEMINFO)
};

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
  int64_t draining_engine_count = 0;  // 0 to 2
  stats::Histogram orphan_gap;        // us a record spent between an engine and the lobby's watch
  stats::ProcessUsage process;
  stats::ListenCounters listen_counters;
  std::vector<ListenerStats> listeners;
  Snapshot();
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_SNAPSHOT_H_

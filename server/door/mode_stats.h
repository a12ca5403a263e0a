// The statistics of one mode, or of one listener, as values.
#ifndef HANDSHAKE_SERVER_DOOR_MODE_STATS_H_
#define HANDSHAKE_SERVER_DOOR_MODE_STATS_H_

#include <array>
#include <chrono>
#include <cstdint>

#include "common/stats/histogram.h"
#include "common/wire/verdict.h"

namespace handshake::server {

// A row of the ledger: what became of the connections that were taken at one listener, or born in
// one mode, since the process started. At rest accepted = sum of ended + in_flight, and `ended`
// splits by wire::ClassOf into the ledger equation.
struct LedgerRow {
  int64_t accepted = 0;
  std::array<int64_t, wire::kVerdictCount> ended{};  // by final verdict; [kOk] is completed
  int64_t in_flight = 0;                             // accepted and not ended, wherever they are
  int64_t held = 0;                                  // of those, past message 2 and before the end
  int64_t handed_over = 0;  // passed to the lobby by an engine that leaves; counted each time
  int64_t bytes_received = 0;
  int64_t bytes_sent = 0;
  int64_t messages = 0;  // of long-lived conversations
  int64_t completed() const { return ended[static_cast<int>(wire::Verdict::kOk)]; }
  int64_t failed() const;  // ended, but not completed
};

// The row of one mode and what else is measured of it.
struct ModeStats : LedgerRow {
  // Of this mode's engine threads; a connection's own when it ends.
  std::chrono::nanoseconds engine_cpu{};
  // Completed handshakes, microseconds.
  stats::Histogram handshake;      // accept to the end
  stats::Histogram first_byte;     // accept to the first byte read
  stats::Histogram first_to_last;  // first byte read to the end
  ModeStats();
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_MODE_STATS_H_

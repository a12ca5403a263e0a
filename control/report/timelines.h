// Where the time of sampled handshakes went: both ends' stamps of each, joined by X.
#ifndef HANDSHAKE_CONTROL_REPORT_TIMELINES_H_
#define HANDSHAKE_CONTROL_REPORT_TIMELINES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "control/report/table.h"
#include "handshake/v1/timelines.pb.h"

namespace handshake::report {

// The client's stamps of one handshake that was ok: nanoseconds of the monotonic clock.
struct ClientStamps {
  int64_t sequence = 0;
  int64_t begin_ns = 0;  // intended start in an open loop, else as started_ns
  int64_t started_ns = 0;
  int64_t connected_ns = 0;
  int64_t reply_read_ns = 0;
  int64_t ended_ns = 0;
};

// Both clocks must be the same. A server's sample is a client's if X is the same and it lies
// between the client's start and end; where two fit, none is taken. run_start_ns: of the same
// clock. Pure.
v1::LoadTimelines JoinTimelines(const std::vector<ClientStamps>& client,
                                const v1::CollectTimelinesResponse& server, int64_t run_start_ns);

// A row a segment, with the slowest sample beside it, below an empty line; or why there is none.
std::string TimelinesTable(const v1::LoadTimelines& timelines, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_TIMELINES_H_

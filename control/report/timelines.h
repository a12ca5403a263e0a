// Where the time of sampled handshakes went: both ends' stamps of each, joined by X.
#ifndef HANDSHAKE_CONTROL_REPORT_TIMELINES_H_
#define HANDSHAKE_CONTROL_REPORT_TIMELINES_H_

#include <cstdint>
#include <string>

#include "control/report/table.h"
#include "handshake/v1/timelines.pb.h"

namespace handshake::report {

// Both clocks must be the same. A server's sample is a client's if X is the same and it lies
// between the client's start and end; where two fit, none is taken. Pure.
v1::LoadTimelines JoinTimelines(const v1::ClientTimelines& client,
                                const v1::CollectTimelinesResponse& server);
// The stride with which about `samples`, at least 1, of `planned` handshakes are sampled.
int64_t SampleStride(int64_t samples, double planned);

// A row a segment, with the slowest sample beside it, below an empty line; or why there is none.
std::string TimelinesTable(const v1::LoadTimelines& timelines, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_TIMELINES_H_

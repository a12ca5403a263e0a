// A server's switches of mode as events of a load run that it served meanwhile.
#ifndef HANDSHAKE_CONTROL_REPORT_SWITCH_EVENTS_H_
#define HANDSHAKE_CONTROL_REPORT_SWITCH_EVENTS_H_

#include <cstdint>

#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"

namespace handshake::report {

// Adds those that came behind the server's `generation` and were requested while the run went on,
// each where its time puts it among the events that are there. The first 1,000 of all are kept, the
// rest are counted. When a switch was requested is told by the server's wall clock, the run's start
// by the generator's: on two machines the events are as exact as those two agree. Pure.
void AddSwitchEvents(const v1::ListModeSwitchesResponse& switches, int64_t generation,
                     v1::LoadRun& run);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_SWITCH_EVENTS_H_

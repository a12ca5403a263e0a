// What a capacity search found, as text.
#ifndef HANDSHAKE_CONTROL_REPORT_CAPACITY_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_CAPACITY_REPORT_H_

#include <string>

#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// "1,600/s" or "1,600 connections".
std::string CapacityLoad(const v1::CapacityReport& report, int64_t load);

// One line without '\n', to be drawn over itself: the search, and how far its trial is.
std::string CapacityProgress(const v1::CapacityReport& report, const v1::CapacityTrial& trial);

// The result, and the curve: all trials by their load.
std::string CapacityPage(const v1::CapacityReport& report, Style style);

// kExitOk: a load is proven. kExitBreached: not even 1 passed. kExitGeneratorLimited,
// kExitUnreachable; kExitBadOutcome: the trials were used up, or it was interrupted.
int CapacityExitCode(const v1::CapacityReport& report);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_CAPACITY_REPORT_H_

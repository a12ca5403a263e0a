// A held load as text: how far it is, what came out.
#ifndef HANDSHAKE_CONTROL_REPORT_HOLD_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_HOLD_REPORT_H_

#include <string>

#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// One line without '\n' and without colour, to be drawn over itself.
std::string HoldProgress(const v1::HoldRun& run);

// All there is to say about it at its end, with what to do about connections that were lost.
std::string HoldPage(const v1::HoldRun& run, Style style);

// The exit code of a hold that has ended: kExitUnreachable (nothing but failures to connect),
// kExitBadOutcome or kExitOk.
int HoldExitCode(const v1::HoldRun& run);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_HOLD_REPORT_H_

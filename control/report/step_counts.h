// How many handshakes finished each step, told from how they ended. StepCount in the contract has
// the rules; this is their table.
#ifndef HANDSHAKE_CONTROL_REPORT_STEP_COUNTS_H_
#define HANDSHAKE_CONTROL_REPORT_STEP_COUNTS_H_

#include "handshake/v1/reconciliation.pb.h"

namespace handshake::report {

enum class LedgerEnd { kClient, kServer };

// Sets counts.steps from its other fields. Numbers that do not fit stay at the largest.
void SetSteps(LedgerEnd end, v1::HandshakeCounts& counts);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_STEP_COUNTS_H_

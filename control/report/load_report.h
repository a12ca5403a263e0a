// A load run as text: how far it is, what came out.
#ifndef HANDSHAKE_CONTROL_REPORT_LOAD_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_LOAD_REPORT_H_

#include <string>

#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// One line without '\n' and without colour, to be drawn over itself.
std::string LoadProgress(const v1::LoadRun& run);

// How much of what was asked for is done, 0 to 1: the nearer of the two ends.
double LoadFraction(const v1::LoadRun& run);

// Are its handshakes begun at planned times?
bool IsOpenLoop(const v1::LoadSpec& spec);

// "10.0 s, 2,000/s poisson (seed 0), at most 2,000 in flight".
std::string AskedFor(const v1::LoadSpec& spec);

// In the text form of protobuf, on one line: what --file takes.
std::string SpecText(const v1::LoadSpec& spec);

// Who kept it from more: "server-limited: why".
Cell VerdictCell(const v1::LoadRun& run);

// What it is set to now: "2,000/s", "50 at once", "10s:100..5000".
std::string LoadInForce(const v1::LoadRun& run);

// All there is to say about a run: at its end, or so far.
std::string LoadPage(const v1::LoadRun& run, Style style);

// The exit code of a run that has ended: the first that fits of kExitUnreachable (nothing but
// failures to connect), kExitBreached, kExitBadOutcome (also if the server's counts differ),
// kExitGeneratorLimited (open loop) and kExitOk.
int LoadExitCode(const v1::LoadRun& run);

std::string LoadRunsTable(const v1::ListLoadRunsResponse& runs, Style style);

// Did all of these fail to connect, and not for want of anything here? No, if there are none.
bool NeverConnected(const google::protobuf::RepeatedPtrField<v1::VerdictCount>& failures);

// What did not end well, by verdict, below an empty line; nothing if everything did.
std::string FailuresTable(const google::protobuf::RepeatedPtrField<v1::VerdictCount>& failures,
                          Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_LOAD_REPORT_H_

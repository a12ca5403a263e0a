// A load run over its time as CSV (RFC 4180, with LF), for spreadsheets and plotting tools.
#ifndef HANDSHAKE_CONTROL_REPORT_CSV_H_
#define HANDSHAKE_CONTROL_REPORT_CSV_H_

#include <string>

#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// A line of names, then one a point of a run in the FULL view. Latencies are empty where no
// handshake was ok.
std::string SeriesCsv(const v1::LoadRun& run);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_CSV_H_

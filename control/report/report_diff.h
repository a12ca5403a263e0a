// Two reports of load runs side by side: what differs, and whether it is real.
#ifndef HANDSHAKE_CONTROL_REPORT_REPORT_DIFF_H_
#define HANDSHAKE_CONTROL_REPORT_REPORT_DIFF_H_

#include <string>

#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

struct NamedRun {
  std::string name;  // of its file
  v1::LoadRun run;   // in the FULL view; without points nothing is called real
};

// What was asked for otherwise, then a figure a line: of both runs, how B differs from A, and the
// 99 % interval of that over the points of both.
std::string ReportDiff(const NamedRun& a, const NamedRun& b, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_REPORT_DIFF_H_

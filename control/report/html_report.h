// A load run as one HTML file that needs nothing else: no network, no script; light or dark as the
// reader's system is.
#ifndef HANDSHAKE_CONTROL_REPORT_HTML_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_HTML_REPORT_H_

#include <string>

#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// Of a run in the FULL view; what it lacks is left out. Whatever its texts hold, they are shown as
// text.
std::string HtmlReport(const v1::LoadRun& run);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_HTML_REPORT_H_

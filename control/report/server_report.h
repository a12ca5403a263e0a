// What a server is, its modes and its switches, as text.
#ifndef HANDSHAKE_CONTROL_REPORT_SERVER_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_SERVER_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "control/report/table.h"
#include "handshake/v1/server_service.pb.h"

namespace handshake::report {

// "epoll, 2 workers"; the name alone for a mode that has none.
std::string ModeWithWorkers(v1::Mode mode, int64_t workers);

std::string ServerPage(const v1::Server& server, std::string_view endpoint, Style style);

std::string ModesTable(const v1::ListModesResponse& modes, Style style);

// One switch in one line: what SwitchMode answered.
std::string SwitchLine(const v1::ModeSwitch& change, Style style);
std::string SwitchPage(const v1::ModeSwitch& change, Style style);
std::string SwitchesTable(const v1::ListModeSwitchesResponse& switches, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_SERVER_REPORT_H_

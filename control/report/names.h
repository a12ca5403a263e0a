// The contract's enums by the names that people type and read.
#ifndef HANDSHAKE_CONTROL_REPORT_NAMES_H_
#define HANDSHAKE_CONTROL_REPORT_NAMES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "handshake/v1/types.pb.h"

namespace handshake::report {

// "thread-pool". A value that this build does not know (a newer server's): "mode-9".
std::string ModeName(v1::Mode mode);
std::optional<v1::Mode> ModeByName(std::string_view name);
// All names that ModeByName takes, in the order of the enum.
std::vector<std::string> ModeNames();

// "auto", "line", "bare"; FRAMING_UNSPECIFIED is "default".
std::string FramingName(v1::Framing framing);

// "TIMEOUT_STEP_1", as wire::VerdictName, and one sentence for people.
std::string VerdictName(v1::Verdict verdict);
std::string VerdictText(v1::Verdict verdict);

// "draining", "completed", "dry run", "unchanged".
Cell StateCell(v1::ModeSwitch::State state);
// "running", "succeeded", "failed", "cancelled".
Cell StateCell(v1::LoadRun::State state);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_NAMES_H_

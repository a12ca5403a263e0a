// Where a server listens and what came of it, as text.
#ifndef HANDSHAKE_CONTROL_REPORT_LISTENERS_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_LISTENERS_REPORT_H_

#include <string>

#include "control/report/table.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "handshake/v1/server_service.pb.h"

namespace handshake::report {

// Their rows of the ledger and their queues.
std::string ListenersTable(const google::protobuf::RepeatedPtrField<v1::ListenerStats>& listeners,
                           Style style);

// The same, and what is in force at each.
std::string ListenersPage(const v1::ListListenersResponse& response, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_LISTENERS_REPORT_H_

// Says in the log why handshakes fail.
#ifndef HANDSHAKE_SERVER_DOOR_FAILURE_LOG_H_
#define HANDSHAKE_SERVER_DOOR_FAILURE_LOG_H_

#include "server/door/connection.h"

namespace handshake::server {

// One line: verdict, peer, what it sent (escaped and cut). A broken protocol is told at info,
// timeouts and peers that went away at debug; at most 10 lines a second for each verdict, then a
// count of those left out. Before the connection is closed; any thread.
void LogFailure(const Connection& connection);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_FAILURE_LOG_H_

// One accepted connection: everything the server knows of it, small enough to be moved from engine
// to lobby to engine in mid-handshake.
#ifndef HANDSHAKE_SERVER_DOOR_CONNECTION_H_
#define HANDSHAKE_SERVER_DOOR_CONNECTION_H_

#include <cstdint>

#include "common/net/unique_fd.h"
#include "common/wire/session.h"
#include "server/door/mode.h"

namespace handshake::server {

// Owned by exactly one engine thread, or by the lobby. It moves only while no kernel operation
// refers to it. The socket stays in blocking state; every call on it says MSG_DONTWAIT.
struct Connection {
  static constexpr uint32_t kNoByteYet = UINT32_MAX;

  wire::Session session;
  net::UniqueFd fd;
  uint32_t first_byte_us = kNoByteYet;  // since session.started(), the time of accept
  uint32_t birth_generation = 0;
  Mode birth_mode = Mode::kSequential;
  bool counted_held = false;  // the ledger counts it as past message 2
};
static_assert(sizeof(Connection) <= 128);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_CONNECTION_H_

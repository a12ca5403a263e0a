// One accepted connection: everything the server knows of it, small enough to be moved from engine
// to lobby to engine in mid-handshake.
#ifndef HANDSHAKE_SERVER_DOOR_CONNECTION_H_
#define HANDSHAKE_SERVER_DOOR_CONNECTION_H_

#include <chrono>
#include <cstdint>

#include "common/net/unique_fd.h"
#include "common/wire/session.h"
#include "server/door/mode.h"

namespace handshake::server {

// Owned by exactly one engine thread, or by the lobby. It moves only while no kernel operation
// refers to it. The socket stays in blocking state; every call on it says MSG_DONTWAIT.
struct Connection {
  static constexpr uint32_t kNotYet = UINT32_MAX;
  static constexpr uint16_t kNoSample = UINT16_MAX;

  wire::Session session;
  net::UniqueFd fd;
  uint32_t first_byte_us = kNotYet;  // since session.started(), the time of accept
  uint32_t picked_up_us = kNotYet;   // the same; only while timelines are recorded
  Mode birth_mode = Mode::kSequential;
  bool counted_held = false;    // the ledger counts it as past message 2
  uint16_t sample = kNoSample;  // its place among the timelines

  uint32_t MicrosecondsAt(wire::TimePoint now) const {
    return static_cast<uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - session.started()).count());
  }
};
static_assert(sizeof(Connection) <= 128);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_CONNECTION_H_

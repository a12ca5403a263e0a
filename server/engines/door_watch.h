// How a thread that serves one connection at a time waits for the next one.
#ifndef HANDSHAKE_SERVER_ENGINES_DOOR_WATCH_H_
#define HANDSHAKE_SERVER_ENGINES_DOOR_WATCH_H_

#include <poll.h>

#include <optional>
#include <vector>

#include "common/net/wake_event.h"
#include "common/wire/session.h"
#include "server/door/door.h"

namespace handshake::server {

// Used by one thread at a time. Waits for the door or for `latch`, whichever is first; borrows
// both.
class DoorWatch {
 public:
  DoorWatch(const Doorway& doorway, const net::WakeEvent& latch);
  // Until the door may have something, or the latch is raised.
  void AwaitDoor();
  // The door is of no use for a while: only the latch, or `pause`.
  void AwaitPause(wire::Duration pause);

 private:
  std::vector<pollfd> fds_;  // the latch first
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_DOOR_WATCH_H_

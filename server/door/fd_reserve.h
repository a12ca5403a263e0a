// File descriptors left to others, so that control still answers when connections have used up the
// rest.
#ifndef HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_
#define HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_

#include <atomic>

#include "absl/status/status.h"

namespace handshake::server {

// The kernel gives out the lowest free number. So a connection whose number is among the last kSize
// below the limit says that only those are left: accepting pauses until a lower one is free again.
// The limit is read by Open() and while room is short. Any thread.
class FdReserve {
 public:
  // Control connections, /proc, log files, the next engine's descriptors. As many threads as this
  // may accept at the same moment and each take one of them.
  static constexpr int kSize = 32;

  // RESOURCE_EXHAUSTED, with the limit to set, if there is no room even now.
  absl::Status Open();
  // False: leave the door alone for a while, then ask again.
  bool MayAccept() { return !low_.load(std::memory_order_relaxed) || HasRoom(); }
  // Is none of the `more` numbers behind this one reserved? Then so many connections may be
  // accepted before anybody looks.
  bool HasRoomFor(int fd, int more) const {
    return fd < first_reserved_.load(std::memory_order_relaxed) - more;
  }
  // A connection got this number.
  void Note(int fd) {
    if (fd >= first_reserved_.load(std::memory_order_relaxed)) low_.store(true);
  }
  // Accept failed for want of a descriptor or of memory.
  void OnShortage() { low_.store(true); }

 private:
  void ReadLimit();
  bool HasRoom();

  std::atomic<int> first_reserved_{0};
  std::atomic<bool> low_{false};
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_

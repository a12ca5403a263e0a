// File descriptors left to others, so that control still answers when connections have used up the
// rest.
#ifndef HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_
#define HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_

#include <atomic>
#include <cstdint>

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
  // What others may open beyond what they had at Open(), as Room() reckons: control, engines.
  static constexpr int kGrowth = 256;

  // Before the first connection. RESOURCE_EXHAUSTED, with the limit to set, if there is no room
  // even now.
  absl::Status Open();
  // False: leave the door alone for a while, then ask again.
  bool MayAccept() { return !low_.load(std::memory_order_relaxed) || HasRoom(); }
  // How many more connections may be accepted before anybody looks, beside `connections` that are
  // open; too low rather than too high, and below 0 near the limit. By count: a low number may be
  // the one hole in a process that is full.
  int64_t Room(int64_t connections) const {
    return first_reserved_.load(std::memory_order_relaxed) - others_ -
           (connections - without_fd_.load(std::memory_order_relaxed));
  }
  // As above, with a look at the limit, which may have been changed.
  int64_t RoomNow(int64_t connections) {
    ReadLimit();
    return Room(connections);
  }

  // Connections that have no descriptor: a ring has their file. Of those that end, or get one.
  void CountWithoutFd(int64_t more) { without_fd_.fetch_add(more, std::memory_order_relaxed); }
  int64_t without_fd() const { return without_fd_.load(std::memory_order_relaxed); }
  // A connection got this number.
  void Note(int fd) {
    if (fd >= first_reserved_.load(std::memory_order_relaxed)) low_.store(true);
  }
  // Accept failed for want of a descriptor or of memory.
  void OnShortage() { low_.store(true); }

 private:
  void ReadLimit();
  bool HasRoom();

  int64_t others_ = kGrowth;  // set by Open()
  std::atomic<int> first_reserved_{0};
  std::atomic<bool> low_{false};
  std::atomic<int64_t> without_fd_{0};
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_FD_RESERVE_H_

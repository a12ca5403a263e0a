// How an engine is kept from taking connections, with certainty and at once.
#ifndef HANDSHAKE_SERVER_DOOR_TAKE_GATE_H_
#define HANDSHAKE_SERVER_DOOR_TAKE_GATE_H_

#include <atomic>
#include <cstdint>

namespace handshake::server {

// Every take is bracketed by Enter and Leave; between them a taker must not wait. So Close() waits
// for one look at the door at most, however many connections queue up or are held. Any thread.
class TakeGate {
 public:
  // False: closed, nothing may be taken any more. True: Leave() must follow.
  bool Enter() {
    if ((state_.fetch_add(kTaker) & kClosed) == 0) return true;
    Leave();
    return false;
  }

  void Leave() {
    if (state_.fetch_sub(kTaker) == (kClosed | kTaker)) state_.notify_all();
  }

  // On return no taker is inside, and none will be.
  void Close() {
    uint32_t state = state_.fetch_or(kClosed) | kClosed;
    while (state != kClosed) {
      state_.wait(state);
      state = state_.load();
    }
    acknowledged_.store(true);
  }

  // Has Close() returned, or is it about to? A connection born now would be a bug.
  bool acknowledged() const { return acknowledged_.load(); }
  bool closed() const { return (state_.load() & kClosed) != 0; }

 private:
  static constexpr uint32_t kClosed = 1;
  static constexpr uint32_t kTaker = 2;
  std::atomic<uint32_t> state_{0};
  std::atomic<bool> acknowledged_{false};
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_TAKE_GATE_H_

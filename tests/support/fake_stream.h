// Drives a session of either role as an engine drives a socket, without one.
#ifndef HANDSHAKE_TESTS_SUPPORT_FAKE_STREAM_H_
#define HANDSHAKE_TESTS_SUPPORT_FAKE_STREAM_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "common/wire/session.h"

namespace handshake::test {

// The socket of one session (a machine of common/wire, or wire::Session). What the peer sends waits
// here until the session reads it; what the session sends waits here for the test. Time is the
// caller's. Borrows the session, which may be replaced between calls (Attach).
template <class SessionType>
class FakeStream {
 public:
  explicit FakeStream(SessionType& session) : session_(&session) {}

  void Attach(SessionType& session) { session_ = &session; }
  // At most so many bytes are moved by one read or one write.
  void set_max_read(size_t bytes) { max_read_ = bytes; }
  void set_max_write(size_t bytes) { max_write_ = bytes; }
  // Writes move nothing, as into a full socket.
  void set_blocked(bool blocked) { blocked_ = blocked; }

  // What the peer does.
  void Arrive(std::string_view bytes) { incoming_ += bytes; }
  void ArriveEnd() { end_ = true; }
  void ArriveReset() { reset_ = true; }

  // Serves the session until it waits for what has not arrived, deadline included. True: it ended.
  bool Run(wire::TimePoint now) {
    while (Step(now)) {
    }
    if (session_->need() != wire::Need::kEnd && now >= session_->deadline()) {
      session_->OnTime(now);
      return Run(now);
    }
    return session_->need() == wire::Need::kEnd;
  }

  // What was sent and not taken yet.
  std::string Take() { return std::exchange(outgoing_, {}); }
  // The peer can read an end of the stream: a shutdown, or a close that was no reset.
  bool ended_clean() const {
    const bool closed =
        session_->need() == wire::Need::kEnd && session_->ending() == wire::Ending::kClose;
    return shut_ || closed;
  }
  size_t unread() const { return incoming_.size(); }

 private:
  // One thing the session needs; false: it must wait.
  bool Step(wire::TimePoint now) {
    switch (session_->need()) {
      case wire::Need::kRead:
        return Read(now);
      case wire::Need::kProbe:
        if (Read(now)) return true;
        if constexpr (requires { session_->OnQuiet(now); }) session_->OnQuiet(now);
        return true;
      case wire::Need::kWrite:
        return Write(now);
      case wire::Need::kShutdown:
        shut_ = true;
        if constexpr (requires { session_->OnShutdown(now); }) session_->OnShutdown(now);
        return true;
      case wire::Need::kDiscard:
        return Discard(now);
      case wire::Need::kEnd:
        return false;
    }
    return false;
  }

  bool Read(wire::TimePoint now) {
    if (incoming_.empty()) return NoteEnd(now);
    const size_t n = std::min({incoming_.size(), session_->ReadSize(), max_read_});
    const std::string bytes = incoming_.substr(0, n);  // so that a checker sees one byte too many
    incoming_.erase(0, n);
    session_->OnReceived(bytes, now);
    return true;
  }

  bool Write(wire::TimePoint now) {
    if (reset_) {
      session_->OnReset(now);
      return true;
    }
    if (blocked_) return false;
    char scratch[wire::Session::kScratchBytes];
    const std::string_view output = session_->Output(scratch).substr(0, max_write_);
    outgoing_ += output;
    session_->OnSent(output.size(), now);
    return true;
  }

  bool Discard(wire::TimePoint now) {
    if (incoming_.empty()) return NoteEnd(now);
    if constexpr (requires { session_->DiscardLimit(); }) {
      const size_t n = std::min({incoming_.size(), session_->DiscardLimit(), max_read_});
      incoming_.erase(0, n);
      session_->OnDiscarded(n, now);
    }
    return true;
  }

  bool NoteEnd(wire::TimePoint now) {
    if (reset_) {
      session_->OnReset(now);
    } else if (end_) {
      session_->OnEndOfStream(now);
    }
    return reset_ || end_;
  }

  SessionType* session_;
  std::string incoming_;
  std::string outgoing_;
  size_t max_read_ = SIZE_MAX;
  size_t max_write_ = SIZE_MAX;
  bool blocked_ = false;
  bool end_ = false;
  bool reset_ = false;
  bool shut_ = false;
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_FAKE_STREAM_H_

// What the tests of the long-lived protocols share.
#ifndef HANDSHAKE_TESTS_COMMON_WIRE_CONVERSATION_TEST_H_
#define HANDSHAKE_TESTS_COMMON_WIRE_CONVERSATION_TEST_H_

#include <chrono>
#include <string>
#include <string_view>

#include "common/wire/session.h"
#include "tests/support/fake_stream.h"

namespace handshake::wire {

// One session of a protocol and its peer.
class TestConversation {
 public:
  static constexpr TimePoint kStart = TimePoint() + std::chrono::seconds(1'000);

  explicit TestConversation(const Protocol& protocol) : session(protocol, kStart), peer(session) {}
  // A session that has not ended may have been lent memory.
  ~TestConversation() {
    if (session.need() != Need::kEnd) session.Abort(Verdict::kInternalError);
  }

  // The peer sends `bytes`; what it is answered.
  std::string Say(std::string_view bytes) {
    peer.Arrive(bytes);
    peer.Run(now);
    return peer.Take();
  }
  // So long nothing happens; what is said of it.
  std::string Wait(Duration time) {
    now += time;
    peer.Run(now);
    return peer.Take();
  }
  // The peer's half is closed.
  std::string End() {
    peer.ArriveEnd();
    peer.Run(now);
    return peer.Take();
  }
  bool ended() const { return session.need() == Need::kEnd; }

  TimePoint now = kStart;
  Session session;
  test::FakeStream<Session> peer;
};

}  // namespace handshake::wire

#endif  // HANDSHAKE_TESTS_COMMON_WIRE_CONVERSATION_TEST_H_

#include "common/wire/session.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>

#include "common/wire/server_handshake.h"
#include "tests/support/fake_stream.h"

namespace handshake::wire {
namespace {

using namespace std::chrono_literals;

static_assert(sizeof(ServerHandshake) <= kSessionStateBytes);
static_assert(sizeof(Session) <= 112);
static_assert(std::is_trivially_copyable_v<ServerHandshake>);
static_assert(std::is_trivially_copyable_v<Session>);

constexpr TimePoint kStart = TimePoint() + 1'000s;

TEST(Session, SpeaksItsProtocol) {
  const HandshakeProtocol protocol({.framing = Framing::kLine});
  EXPECT_EQ(protocol.name(), "handshake");
  Session session(protocol, kStart);
  EXPECT_EQ(session.started(), kStart);
  EXPECT_EQ(session.step(), 1);
  EXPECT_EQ(session.deadline(), kStart + kStepTimeout);
  test::FakeStream stream(session);
  stream.Arrive("HELLO 5\n");
  EXPECT_FALSE(stream.Run(kStart));
  EXPECT_EQ(stream.Take(), "HELLO 6\n");
  EXPECT_EQ(session.step(), 3);
  EXPECT_TRUE(session.held());
  stream.Arrive("HELLO 7\n");
  EXPECT_TRUE(stream.Run(kStart));
  EXPECT_EQ(session.verdict(), Verdict::kOk);
  EXPECT_EQ(session.ending(), Ending::kClose);
}

TEST(Session, OneProtocolServesManySessions) {
  const HandshakeProtocol protocol({.framing = Framing::kLine});
  Session first(protocol, kStart);
  Session second(protocol, kStart + 1s);
  test::FakeStream one(first);
  test::FakeStream two(second);
  one.Arrive("HELLO 10\n");
  two.Arrive("HELLO 20\r\n");
  one.Run(kStart + 1s);
  two.Run(kStart + 1s);
  EXPECT_EQ(one.Take(), "HELLO 11\n");
  EXPECT_EQ(two.Take(), "HELLO 21\r\n");
}

// Moved as plain bytes before every single byte that is read or written, its old place destroyed.
TEST(Session, MovesAsBytesAtAnyPoint) {
  const HandshakeProtocol protocol({.framing = Framing::kAuto});
  struct Place {
    alignas(Session) std::array<std::byte, sizeof(Session)> bytes;
  };
  std::array<Place, 2> places;
  auto* session = new (places[0].bytes.data()) Session(protocol, kStart);
  test::FakeStream stream(*session);
  stream.set_max_read(1);
  stream.set_max_write(1);
  int moves = 0;
  const auto move = [&] {
    Place& from = places[moves % 2];
    Place& to = places[++moves % 2];
    to = from;
    from.bytes.fill(std::byte{0xA5});
    session = std::launder(reinterpret_cast<Session*>(to.bytes.data()));
    stream.Attach(*session);
  };
  std::string answer;
  for (char c : std::string_view("HELLO -2\r\nHELLO 0\r\n")) {
    stream.Arrive({&c, 1});
    stream.set_blocked(true);
    stream.Run(kStart);
    move();
    while (session->need() == Need::kWrite) {  // one byte, then move
      char scratch[Session::kScratchBytes];
      answer += session->Output(scratch)[0];
      session->OnSent(1, kStart);
      move();
    }
  }
  EXPECT_EQ(answer, "HELLO -1\r\n");
  EXPECT_EQ(session->need(), Need::kEnd);
  EXPECT_EQ(session->verdict(), Verdict::kOk);
  EXPECT_GT(moves, 25);
}

TEST(Session, AbortEndsItAnywhere) {
  const HandshakeProtocol protocol({.framing = Framing::kLine});
  for (std::string_view bytes : {"", "HEL", "HELLO 1\n"}) {
    Session session(protocol, kStart);
    test::FakeStream stream(session);
    stream.Arrive(bytes);
    stream.Run(kStart);
    session.Abort(Verdict::kClosedAtShutdown);
    EXPECT_EQ(session.need(), Need::kEnd);
    EXPECT_EQ(session.verdict(), Verdict::kClosedAtShutdown);
    EXPECT_EQ(session.ending(), Ending::kReset);
  }
}

}  // namespace
}  // namespace handshake::wire

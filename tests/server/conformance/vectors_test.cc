// Engine conformance: the wire vectors over TCP, with the same verdicts in every engine.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/server/conformance/conformance.h"
#include "tests/server/conformance/wire_vectors.h"

namespace handshake::test {
namespace {

using namespace std::chrono_literals;
using Kind = WireAction::Kind;
using wire::Framing;

class Vectors : public Conformance {
 protected:
  void StartListeners();
  void Play(const WireVector& vector);

 private:
  size_t ListenerFor(const WireVector& vector) const;

  int64_t bytes_sent_ = 0;
};
HANDSHAKE_FOR_ALL_MODES(Vectors);

constexpr Framing kFramings[] = {Framing::kAuto, Framing::kLine, Framing::kBare};

// Two listeners a framing. Nobody is late at the first, not even on a loaded machine; at the second
// silence soon ends a step.
void Vectors::StartListeners() {
  std::vector<wire::HandshakeOptions> listeners;
  for (Framing framing : kFramings) {
    listeners.push_back(
        {.framing = framing, .step_timeout = 30s, .handshake_timeout = 60s, .bare_grace = 100ms});
    listeners.push_back({.framing = framing, .step_timeout = 300ms, .handshake_timeout = 60s});
  }
  Start(listeners);
}

size_t Vectors::ListenerFor(const WireVector& vector) const {
  const size_t second = vector.Has(Kind::kAwaitDeadline) ? 1 : 0;
  for (size_t i = 0; i < std::size(kFramings); ++i) {
    if (kFramings[i] == vector.framing) return 2 * i + second;
  }
  ADD_FAILURE() << "no listener for " << vector.name;
  return 0;
}

void Vectors::Play(const WireVector& vector) {
  SCOPED_TRACE(vector.name);
  RawClient client(address(ListenerFor(vector)));
  ASSERT_TRUE(client.connected());
  int64_t bytes_sent = 0;
  const int64_t received_before = vector.Has(Kind::kAwaitRead) ? Ledger().bytes_received : 0;
  for (const WireAction& action : vector.script) {
    switch (action.kind) {
      case Kind::kSend:
        client.Send(action.text);  // a server that has enough may have reset by now
        bytes_sent += static_cast<int64_t>(action.text.size());
        break;
      case Kind::kExpect:
        EXPECT_EQ(client.Receive(action.text.size()), action.text);
        break;
      case Kind::kAwaitRead:
        AwaitLedger("all was read", [&](const server::ModeStats& stats) {
          return stats.bytes_received >= received_before + bytes_sent;
        });
        break;
      case Kind::kAwaitGrace:
      case Kind::kAwaitDeadline:
        break;  // we say nothing until the server does, which is what comes next
      case Kind::kShut:
        client.ShutWrite();
        break;
      case Kind::kReset:
        client.Reset();
        break;
      case Kind::kSeeFin:
      case Kind::kSeeReset: {
        const RawClient::Rest rest = client.ReceiveAll();
        EXPECT_EQ(rest.bytes, "");
        EXPECT_EQ(StreamEndName(rest.end), action.kind == Kind::kSeeFin ? "FIN" : "RST");
        break;
      }
    }
  }
}

// A snapshot lasts for 100 ms: those that must end alike are played in a row and counted together.
TEST_P(Vectors, AllEndWithTheirVerdict) {
  StartListeners();
  std::map<wire::Verdict, std::vector<const WireVector*>> groups;
  for (const WireVector& vector : WireVectors()) groups[vector.verdict].push_back(&vector);
  Verdicts expected;
  int64_t count = 0;
  for (const auto& [verdict, vectors] : groups) {
    for (const WireVector* vector : vectors) Play(*vector);
    count += static_cast<int64_t>(vectors.size());
    AwaitEnded(count);
    expected[verdict] = static_cast<int64_t>(vectors.size());
    ASSERT_EQ(Ended(), expected) << "after the vectors of " << wire::VerdictName(verdict);
  }
}

}  // namespace
}  // namespace handshake::test

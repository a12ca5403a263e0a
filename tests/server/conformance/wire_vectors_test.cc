// The wire vectors against the session itself: no socket, and time is the test's.
#include "tests/server/conformance/wire_vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/wire/server_handshake.h"
#include "tests/support/fake_stream.h"

namespace handshake::test {
namespace {

using namespace std::chrono_literals;
using Kind = WireAction::Kind;
using wire::Need;
using wire::Verdict;

// One vector against one session.
class Play {
 public:
  explicit Play(const WireVector& vector)
      : vector_(vector), options_{.framing = vector.framing}, session_(options_, now_) {}

  // Cuts every send behind its first `cut` bytes.
  void Run(size_t cut) {
    SCOPED_TRACE(vector_.name + " cut at " + std::to_string(cut));
    for (const WireAction& action : vector_.script) Do(action, cut);
    if (session_.need() != Need::kEnd) {  // the client closes
      stream_.ArriveEnd();
      stream_.Run(now_);
    }
    EXPECT_EQ(wire::VerdictName(session_.verdict()), wire::VerdictName(vector_.verdict));
  }

 private:
  void Do(const WireAction& action, size_t cut) {
    switch (action.kind) {
      case Kind::kSend:
        Send(action.text.substr(0, cut));
        if (cut < action.text.size()) Send(action.text.substr(cut));
        break;
      case Kind::kExpect:
        sent_ += stream_.Take();
        EXPECT_EQ(sent_.substr(0, action.text.size()), action.text);
        sent_.erase(0, action.text.size());
        break;
      case Kind::kAwaitRead:
        EXPECT_EQ(stream_.unread(), 0u);
        break;
      case Kind::kAwaitGrace:
        Wait(options_.bare_grace);
        break;
      case Kind::kAwaitDeadline:
        Wait(options_.step_timeout);
        break;
      case Kind::kShut:
        stream_.ArriveEnd();
        stream_.Run(now_);
        break;
      case Kind::kReset:
        stream_.ArriveReset();
        EXPECT_TRUE(stream_.Run(now_));
        break;
      case Kind::kSeeFin:
        EXPECT_EQ(sent_ + stream_.Take(), "");
        EXPECT_TRUE(stream_.ended_clean());
        break;
      case Kind::kSeeReset:
        EXPECT_EQ(sent_ + stream_.Take(), "");
        EXPECT_EQ(session_.need(), Need::kEnd);
        EXPECT_EQ(session_.ending(), wire::Ending::kReset);
        break;
    }
  }

  void Send(std::string_view bytes) {
    if (bytes.empty()) return;
    stream_.Arrive(bytes);
    stream_.Run(now_);
  }

  void Wait(wire::Duration duration) {
    now_ += duration;
    stream_.Run(now_);
  }

  const WireVector& vector_;
  const wire::HandshakeOptions options_;
  wire::TimePoint now_ = wire::TimePoint() + 1'000s;
  wire::ServerHandshake session_;
  FakeStream<wire::ServerHandshake> stream_{session_};
  std::string sent_;
};

TEST(WireVectors, ThereAreEnoughAndTheirNamesAreUnique) {
  std::set<std::string> names;
  for (const WireVector& vector : WireVectors()) EXPECT_TRUE(names.insert(vector.name).second);
  EXPECT_GE(names.size(), 100u);
}

// All but those that need a full socket or a reason of the server's own.
TEST(WireVectors, CoverEveryVerdictOfAPeer) {
  std::set<Verdict> seen;
  for (const WireVector& vector : WireVectors()) seen.insert(vector.verdict);
  for (Verdict verdict :
       {Verdict::kOk, Verdict::kMalformed, Verdict::kOversize, Verdict::kOverflow,
        Verdict::kMismatch, Verdict::kEarlyData, Verdict::kTrailingData, Verdict::kTimeoutStep1,
        Verdict::kTimeoutStep3, Verdict::kPeerGoneStep1, Verdict::kPeerGoneStep3,
        Verdict::kPeerResetStep1, Verdict::kPeerResetStep3}) {
    EXPECT_TRUE(seen.contains(verdict)) << wire::VerdictName(verdict);
  }
}

TEST(WireVectors, TheSessionAgrees) {
  for (const WireVector& vector : WireVectors()) Play(vector).Run(SIZE_MAX);
}

// Bytes behind a message count only if they were read with it, and a bare message 1 ends with its
// read: those are the two exceptions that PROTOCOL.md states.
TEST(WireVectors, TheSessionAgreesAtEveryCut) {
  for (const WireVector& vector : WireVectors()) {
    const bool behind =
        vector.verdict == Verdict::kEarlyData || vector.verdict == Verdict::kTrailingData;
    if (behind || vector.framing == wire::Framing::kBare) continue;
    size_t longest = 0;
    for (const WireAction& action : vector.script) {
      if (action.kind == Kind::kSend) longest = std::max(longest, action.text.size());
    }
    for (size_t cut = 1; cut < std::min<size_t>(longest, 200); ++cut) Play(vector).Run(cut);
  }
}

}  // namespace
}  // namespace handshake::test

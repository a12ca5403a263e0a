// Both roles wired together without a socket.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/wire/client_handshake.h"
#include "common/wire/server_handshake.h"
#include "tests/support/fake_stream.h"

namespace handshake::wire {
namespace {

using namespace std::chrono_literals;

struct Setup {
  Framing server = Framing::kAuto;
  Framing client = Framing::kLine;
  int64_t x = 100;
  size_t cut = SIZE_MAX;  // of every message: its first `cut` bytes, then the rest
  size_t max_read = SIZE_MAX;
  size_t max_write = SIZE_MAX;
};

struct Outcome {
  Verdict server = Verdict::kNone;
  Verdict client = Verdict::kNone;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

class Pair {
 public:
  explicit Pair(const Setup& setup)
      : setup_(setup),
        server_options_{.framing = setup.server},
        client_options_{.framing = setup.client},
        server_(server_options_, now_),
        client_(client_options_, setup.x, now_) {
    server_stream_.set_max_read(setup.max_read);
    server_stream_.set_max_write(setup.max_write);
    client_stream_.set_max_read(setup.max_read);
    client_stream_.set_max_write(setup.max_write);
  }

  // Passes bytes both ways until both have ended; time moves only when nothing else does.
  Outcome Run() {
    while (server_.need() != Need::kEnd || client_.need() != Need::kEnd) {
      client_stream_.Run(now_);
      server_stream_.Run(now_);
      const bool moved = Pass(client_stream_, server_stream_, server_, now_) |
                         Pass(server_stream_, client_stream_, client_, now_) | PassEnds();
      if (!moved) now_ += kBareGrace;
      if (now_ > TimePoint() + 1'020s) break;  // both deadlines are over by far
    }
    return {server_.verdict(), client_.verdict()};
  }

 private:
  template <class From, class To, class Machine>
  bool Pass(From& from, To& to, Machine& receiver, TimePoint now) {
    const std::string bytes = from.Take();
    if (bytes.empty()) return false;
    for (const std::string& part :
         {bytes.substr(0, setup_.cut),
          setup_.cut < bytes.size() ? bytes.substr(setup_.cut) : std::string()}) {
      if (receiver.need() == Need::kEnd || part.empty()) continue;
      to.Arrive(part);
      to.Run(now);
    }
    return true;
  }

  bool PassEnds() {
    bool moved = false;
    if (server_.need() == Need::kEnd && client_.need() != Need::kEnd) {
      server_stream_.ended_clean() ? client_stream_.ArriveEnd() : client_stream_.ArriveReset();
      moved = true;
    }
    if (client_.need() == Need::kEnd && server_.need() != Need::kEnd) {
      client_stream_.ended_clean() ? server_stream_.ArriveEnd() : server_stream_.ArriveReset();
      moved = true;
    }
    return moved;
  }

  const Setup setup_;
  TimePoint now_ = TimePoint() + 1'000s;
  HandshakeOptions server_options_;
  HandshakeOptions client_options_;
  ServerHandshake server_;
  ClientHandshake client_;
  test::FakeStream<ServerHandshake> server_stream_{server_};
  test::FakeStream<ClientHandshake> client_stream_{client_};
};

const Outcome kBothOk = {Verdict::kOk, Verdict::kOk};

constexpr int64_t kExtremes[] = {std::numeric_limits<int64_t>::min(),
                                 std::numeric_limits<int64_t>::min() + 1,
                                 -10,
                                 -2,
                                 -1,
                                 0,
                                 7,
                                 8,
                                 99,
                                 kMaxSequence - 1,
                                 kMaxSequence};

struct Framings {
  Framing server;
  Framing client;
};
constexpr Framings kMatching[] = {{Framing::kAuto, Framing::kLine},
                                  {Framing::kAuto, Framing::kBare},
                                  {Framing::kLine, Framing::kLine},
                                  {Framing::kBare, Framing::kBare}};

TEST(HandshakePair, AgreesForAllFramingsAndExtremes) {
  for (const auto& [server, client] : kMatching) {
    for (int64_t x : kExtremes) {
      EXPECT_EQ(Pair({.server = server, .client = client, .x = x}).Run(), kBothOk) << x;
    }
  }
}

TEST(HandshakePair, AgreesWhateverTheSizeOfWrites) {
  for (const auto& [server, client] : kMatching) {
    for (size_t size = 1; size <= kMaxValidMessageBytes; ++size) {
      EXPECT_EQ(Pair({.server = server, .client = client, .max_write = size}).Run(), kBothOk);
    }
  }
}

// Bare message 1 ends with its read, so there only the other cuts are free.
TEST(HandshakePair, AgreesAtEveryCutAndReadSize) {
  for (const auto& [server, client] : kMatching) {
    if (server == Framing::kBare) continue;
    for (int64_t x : kExtremes) {
      for (size_t size = 1; size <= kMaxValidMessageBytes; ++size) {
        EXPECT_EQ(Pair({.server = server, .client = client, .x = x, .cut = size}).Run(), kBothOk)
            << x << " cut at " << size;
        EXPECT_EQ(Pair({.server = server, .client = client, .x = x, .max_read = size}).Run(),
                  kBothOk)
            << x << " reads of " << size;
      }
    }
  }
}

TEST(HandshakePair, ABareClientCannotReachALineServer) {
  const Outcome outcome = Pair({.server = Framing::kLine, .client = Framing::kBare}).Run();
  EXPECT_EQ(outcome.server, Verdict::kTimeoutStep1);
  EXPECT_TRUE(outcome.client == Verdict::kPeerError || outcome.client == Verdict::kTimeoutStep2);
}

TEST(HandshakePair, ALineClientIsResetByABareServer) {
  EXPECT_EQ(Pair({.server = Framing::kBare, .client = Framing::kLine}).Run(),
            (Outcome{Verdict::kMalformed, Verdict::kPeerResetStep2}));
}

}  // namespace
}  // namespace handshake::wire

#include "server/door/lobby.h"

#include <poll.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "server/door/drive.h"
#include "tests/server/door/socket_pair.h"

namespace handshake::server {
namespace {

using std::chrono::milliseconds;
using wire::Verdict;

constexpr int kPatienceMs = 20'000;

class LobbyTest : public testing::Test {
 protected:
  LobbyTest() {
    ledger_.Open(Mode::kEpoll);
    EXPECT_TRUE(lobby_.Start().ok());
  }

  // A client whose connection waits in the lobby.
  net::UniqueFd Admit(const wire::Protocol& protocol) {
    SocketPair pair = MakeSocketPair();
    Connection connection = MakeConnection(protocol, std::move(pair.server));
    ledger_.CountAccepted(connection);
    lobby_.Admit({&connection, 1}, wire::Clock::now());
    return std::move(pair.client);
  }

  bool AwaitOffer() {
    pollfd fd = {.fd = lobby_.offered_fd(), .events = POLLIN, .revents = 0};
    return poll(&fd, 1, kPatienceMs) == 1;
  }
  // The lobby's thread may be at it just now: an offer stands until it is taken.
  std::optional<Connection> Take() {
    std::optional<Connection> taken;
    do {
      taken = lobby_.TakeOffered();
    } while (!taken && AwaitOffer());
    return taken;
  }
  bool OfferStands() {
    pollfd fd = {.fd = lobby_.offered_fd(), .events = POLLIN, .revents = 0};
    return poll(&fd, 1, 0) == 1;
  }
  int64_t Ended(Verdict verdict) const {
    return ledger_.Read(Mode::kEpoll).ended[static_cast<size_t>(verdict)];
  }

  wire::HandshakeProtocol patient_{wire::HandshakeOptions{}};
  wire::HandshakeProtocol hasty_{{.framing = wire::Framing::kLine,
                                  .step_timeout = milliseconds(20),
                                  .handshake_timeout = milliseconds(20'000)}};
  Ledger ledger_{1};
  Lobby lobby_{ledger_};
};

TEST_F(LobbyTest, KeepsASilentConnectionAndOffersNothing) {
  const net::UniqueFd client = Admit(patient_);
  EXPECT_EQ(lobby_.size(), 1);
  EXPECT_FALSE(lobby_.TakeOffered().has_value());
  EXPECT_FALSE(OfferStands());
  stats::Histogram gap(stats::kServerLatencyLayout);
  lobby_.ReadOrphanGap(gap);
  EXPECT_EQ(gap.count(), 1);
}

TEST_F(LobbyTest, OffersAConnectionThatGetsBytes) {
  const net::UniqueFd client = Admit(patient_);
  SendText(client, "HELLO 1\n");
  ASSERT_TRUE(AwaitOffer());
  std::optional<Connection> taken = Take();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(lobby_.size(), 0);
  EXPECT_FALSE(OfferStands());
  EXPECT_FALSE(lobby_.TakeOffered().has_value());
  EXPECT_EQ(Drive(*taken, ledger_, wire::Clock::now()), Progress::kAwaitReadable);
  EXPECT_EQ(ReceiveText(client), "HELLO 2\n");
}

TEST_F(LobbyTest, OffersWhatHadBytesBeforeItCame) {
  SocketPair pair = MakeSocketPair();
  SendText(pair.client, "HELLO 1\n");
  Connection connection = MakeConnection(patient_, std::move(pair.server));
  ledger_.CountAccepted(connection);
  lobby_.Admit({&connection, 1}, wire::Clock::now());
  ASSERT_TRUE(AwaitOffer());
  EXPECT_TRUE(Take().has_value());
}

TEST_F(LobbyTest, OffersTheOldestFirst) {
  std::vector<net::UniqueFd> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Admit(patient_));
  const std::vector<int> order = {2, 0, 3, 1};
  for (const int i : order) SendText(clients[i], "HELLO " + std::to_string(i) + "\n");
  for (const int i : order) {
    std::optional<Connection> taken = Take();
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(Drive(*taken, ledger_, wire::Clock::now()), Progress::kAwaitReadable);
    EXPECT_EQ(ReceiveText(clients[i]), "HELLO " + std::to_string(i + 1) + "\n");
  }
  EXPECT_FALSE(OfferStands());
}

TEST_F(LobbyTest, AnOfferBetweenOthersIsWithdrawn) {
  const net::UniqueFd first = Admit(patient_);
  const net::UniqueFd between = Admit(hasty_);
  const net::UniqueFd last = Admit(patient_);
  for (const net::UniqueFd* client : {&first, &between, &last}) SendText(*client, "HELLO 1\n");
  // At its deadline the lobby serves it.
  EXPECT_EQ(ReceiveText(between).substr(0, 8), "HELLO 2\n");
  for (const net::UniqueFd* client : {&first, &last}) {
    std::optional<Connection> taken = Take();
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(Drive(*taken, ledger_, wire::Clock::now()), Progress::kAwaitReadable);
    EXPECT_EQ(ReceiveText(*client), "HELLO 2\n");
  }
  EXPECT_FALSE(OfferStands());
}

TEST_F(LobbyTest, GivesBackTheMemoryOfACrowd) {
  constexpr int kCrowd = 5'000;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 2 * kCrowd + 100) GTEST_SKIP() << "too few descriptors are allowed";
  std::vector<net::UniqueFd> clients;
  for (int i = 0; i < kCrowd; ++i) clients.push_back(Admit(patient_));
  const size_t mapped = lobby_.mapped_bytes();
  EXPECT_LE(mapped / kCrowd, 208u);
  for (const net::UniqueFd& client : clients) SendText(client, "HELLO 1\n");
  for (int i = 0; i < kCrowd; ++i) ASSERT_TRUE(Take().has_value());
  EXPECT_LE(lobby_.mapped_bytes(), mapped / 3);
}

TEST_F(LobbyTest, EndsAWatchedConnectionAtItsDeadline) {
  const net::UniqueFd client = Admit(hasty_);
  EXPECT_EQ(ReceiveText(client).substr(0, 20), "ERROR TIMEOUT_STEP_1");
  EXPECT_EQ(ReceiveText(client), "");
}

// Nobody takes it: it is read and served at its deadline, not timed out with bytes in the socket.
TEST_F(LobbyTest, ServesAnOfferedConnectionItselfRatherThanLetItDie) {
  const net::UniqueFd client = Admit(hasty_);
  SendText(client, "HELLO 1\n");
  ASSERT_TRUE(AwaitOffer());
  // What follows is the deadline of the next step.
  EXPECT_EQ(ReceiveText(client).substr(0, 8), "HELLO 2\n");
  EXPECT_EQ(Ended(Verdict::kTimeoutStep1), 0);
}

TEST_F(LobbyTest, ServesByItselfOnceItOffersNothing) {
  const net::UniqueFd offered = Admit(patient_);
  SendText(offered, "HELLO 1\n");
  ASSERT_TRUE(AwaitOffer());
  const net::UniqueFd watched = Admit(patient_);
  lobby_.Close(wire::TimePoint::max(), Verdict::kClosedAtShutdown);
  EXPECT_FALSE(OfferStands());
  SendText(watched, "HELLO 5\n");
  EXPECT_EQ(ReceiveText(offered), "HELLO 2\n");
  EXPECT_EQ(ReceiveText(watched), "HELLO 6\n");
  SendText(offered, "HELLO 3\n");
  SendText(watched, "HELLO 7\n");
  EXPECT_EQ(ReceiveText(offered), "");
  EXPECT_EQ(ReceiveText(watched), "");
  EXPECT_EQ(Ended(Verdict::kOk), 2);
}

TEST_F(LobbyTest, StopEndsEverythingForTheGivenReason) {
  const net::UniqueFd client = Admit(patient_);
  lobby_.Close(wire::TimePoint::max(), Verdict::kClosedAtShutdown);
  lobby_.Stop();
  EXPECT_EQ(ReceiveText(client), "RST");
  EXPECT_EQ(lobby_.size(), 0);
  EXPECT_EQ(Ended(Verdict::kClosedAtShutdown), 1);
}

TEST_F(LobbyTest, EndsWhatItHasAndWhatStillComesOnceItsTimeToCloseIsOver) {
  const net::UniqueFd there = Admit(patient_);
  lobby_.Close(wire::Clock::now() + std::chrono::milliseconds(1), Verdict::kClosedAtShutdown);
  EXPECT_EQ(ReceiveText(there), "RST");
  const net::UniqueFd late = Admit(patient_);
  EXPECT_EQ(ReceiveText(late), "RST");
  EXPECT_EQ(lobby_.size(), 0);
  EXPECT_EQ(Ended(Verdict::kClosedAtShutdown), 2);
}

}  // namespace
}  // namespace handshake::server

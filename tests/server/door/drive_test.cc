#include "server/door/drive.h"

#include "tests/server/door/socket_pair.h"

namespace handshake::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::Verdict;

class DriveTest : public testing::Test {
 protected:
  DriveTest() {
    ledger_.Open(Mode::kEpoll);
    SocketPair pair = MakeSocketPair();
    client_ = std::move(pair.client);
    connection_.emplace(MakeConnection(protocol_, std::move(pair.server), now_));
    ledger_.CountAccepted(*connection_);
  }

  Progress Step() { return Drive(*connection_, ledger_, now_); }
  // Bytes sent on loopback are there at once, but an end of stream may take a moment.
  Progress StepUntilEnded() {
    Progress progress;
    do {
      progress = Step();
    } while (progress != Progress::kEnded);
    return progress;
  }
  int64_t Ended(Verdict verdict) const {
    return ledger_.Read(Mode::kEpoll).ended[static_cast<size_t>(verdict)];
  }

  wire::TimePoint now_ = wire::Clock::now();
  wire::HandshakeProtocol protocol_{wire::HandshakeOptions{}};
  Ledger ledger_{1};
  net::UniqueFd client_;
  std::optional<Connection> connection_;
};

TEST_F(DriveTest, ServesAHandshakeAndCountsIt) {
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  SendText(client_, "HELLO 7\n");
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  EXPECT_EQ(ReceiveText(client_), "HELLO 8\n");
  EXPECT_EQ(ledger_.Read(Mode::kEpoll).held, 1);
  now_ += milliseconds(3);
  SendText(client_, "HELLO 9\n");
  EXPECT_EQ(Step(), Progress::kEnded);
  EXPECT_EQ(ReceiveText(client_), "");

  const ModeStats stats = ledger_.Read(Mode::kEpoll);
  EXPECT_EQ(stats.accepted, 1);
  EXPECT_EQ(stats.completed(), 1);
  EXPECT_EQ(stats.in_flight, 0);
  EXPECT_EQ(stats.held, 0);
  EXPECT_EQ(stats.bytes_received, 16);
  EXPECT_EQ(stats.bytes_sent, 8);
  EXPECT_EQ(stats.handshake.count(), 1);
  EXPECT_NEAR(static_cast<double>(stats.handshake.Max()), 3'000, 60);
}

TEST_F(DriveTest, TellsALinePeerWhatIsWrongBeforeItCloses) {
  SendText(client_, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  EXPECT_EQ(ReceiveText(client_).substr(0, 15), "ERROR MALFORMED");
  EXPECT_EQ(ReceiveText(client_), "");
  client_.reset();
  EXPECT_EQ(StepUntilEnded(), Progress::kEnded);
  EXPECT_EQ(Ended(Verdict::kMalformed), 1);
}

TEST_F(DriveTest, StopsDiscardingAtItsDeadline) {
  SendText(client_, "GET / HTTP/1.1\n");
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  EXPECT_LE(connection_->session.deadline(), now_ + wire::kDiscardTimeout);
  now_ += wire::kDiscardTimeout;
  EXPECT_EQ(Step(), Progress::kEnded);
  EXPECT_EQ(Ended(Verdict::kMalformed), 1);
}

TEST_F(DriveTest, ReadsWhatHadArrivedBeforeItJudgesTheDeadline) {
  SendText(client_, "HELLO 7\n");
  now_ += seconds(6);  // nobody looked for longer than the step allows
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  EXPECT_EQ(ReceiveText(client_), "HELLO 8\n");
}

TEST_F(DriveTest, EndsASilentPeerWithAReset) {
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  now_ += seconds(5);
  EXPECT_EQ(Step(), Progress::kEnded);
  EXPECT_EQ(Ended(Verdict::kTimeoutStep1), 1);
  EXPECT_EQ(ReceiveText(client_), "RST");
}

TEST_F(DriveTest, TellsAPeerThatClosedFromOneThatReset) {
  SendText(client_, "HEL");
  shutdown(client_.get(), SHUT_WR);
  EXPECT_EQ(StepUntilEnded(), Progress::kEnded);
  EXPECT_EQ(Ended(Verdict::kPeerGoneStep1), 1);

  SocketPair pair = MakeSocketPair();
  Connection other = MakeConnection(protocol_, std::move(pair.server), now_);
  ledger_.CountAccepted(other);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(pair.client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  pair.client.reset();
  while (Drive(other, ledger_, now_) != Progress::kEnded) {
  }
  EXPECT_EQ(Ended(Verdict::kPeerResetStep1), 1);
}

TEST_F(DriveTest, AbortIsAReset) {
  EXPECT_EQ(Step(), Progress::kAwaitReadable);
  Abort(*connection_, Verdict::kClosedAtShutdown, ledger_, now_);
  EXPECT_EQ(ReceiveText(client_), "RST");
  EXPECT_EQ(Ended(Verdict::kClosedAtShutdown), 1);
}

}  // namespace
}  // namespace handshake::server

#include "server/door/door.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "server/door/drive.h"
#include "tests/server/door/socket_pair.h"
#include "tests/support/raw_client.h"

namespace handshake::server {
namespace {

// Far more connections that are offered than one that has just come.
TEST(DoorTest, ACrowdOfOffersDoesNotKeepTheListenersWaiting) {
  constexpr int kOffers = 60;
  Ledger ledger(1);
  ledger.Open(Mode::kEpoll);
  Lobby lobby(ledger);
  ASSERT_TRUE(lobby.Start().ok());
  Door door(lobby, ledger);
  const int cpu = 0;
  const ListenerOptions any = {.address = *net::Address::Parse("127.0.0.1:0"),
                               .protocol = wire::HandshakeOptions()};
  ASSERT_TRUE(door.Open({any}, {&cpu, 1}).ok());
  const wire::HandshakeProtocol protocol{wire::HandshakeOptions{}};
  std::vector<net::UniqueFd> clients;
  for (int i = 0; i < kOffers; ++i) {
    SocketPair pair = MakeSocketPair();
    Connection connection = MakeConnection(protocol, std::move(pair.server));
    ledger.CountAccepted(connection);
    ASSERT_EQ(write(pair.client.get(), "x", 1), 1);
    clients.push_back(std::move(pair.client));
    lobby.Admit({&connection, 1}, wire::Clock::now());
  }
  const test::RawClient fresh(door.addresses().front());
  ASSERT_TRUE(fresh.connected());

  TakeGate gate;
  std::atomic<int64_t> taken_count{0};
  Doorway doorway = door.MakeDoorway();
  std::vector<Connection> taken;
  while (ledger.ReadTotals().accepted == kOffers && taken.size() < kOffers) {
    Taken next =
        door.Take({.mode = Mode::kEpoll, .gate = gate, .taken_count = taken_count}, doorway);
    if (next.connection) taken.push_back(*std::move(next.connection));
  }
  EXPECT_EQ(ledger.ReadTotals().accepted, kOffers + 1);
  EXPECT_LE(taken.size(), 20U);
  for (Connection& connection : taken) {
    Abort(connection, wire::Verdict::kInternalError, ledger, wire::Clock::now());
  }
}

}  // namespace
}  // namespace handshake::server

// A connected TCP pair on loopback and a Connection made of its server end.
#ifndef HANDSHAKE_TESTS_SERVER_DOOR_SOCKET_PAIR_H_
#define HANDSHAKE_TESTS_SERVER_DOOR_SOCKET_PAIR_H_

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/wire/server_handshake.h"
#include "gtest/gtest.h"
#include "server/door/connection.h"

namespace handshake::server {

struct SocketPair {
  net::UniqueFd client;
  net::UniqueFd server;
};

inline SocketPair MakeSocketPair() {
  const net::UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
  const net::Address any = net::Address::FromIpv4(INADDR_LOOPBACK, 0);
  EXPECT_EQ(bind(listener.get(), any.data(), any.size()), 0);
  EXPECT_EQ(listen(listener.get(), 1), 0);
  const net::Address address = net::Address::OfSocket(listener.get());
  SocketPair pair;
  pair.client.reset(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(pair.client.get(), address.data(), address.size()), 0);
  pair.server.reset(accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(pair.server);
  return pair;
}

inline Connection MakeConnection(const wire::Protocol& protocol, net::UniqueFd fd,
                                 wire::TimePoint now = wire::Clock::now()) {
  return Connection{
      .session = wire::Session(protocol, now), .fd = std::move(fd), .birth_mode = Mode::kEpoll};
}

inline void SendText(const net::UniqueFd& fd, std::string_view text) {
  ASSERT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// Waits for bytes: what one read gives, "" at the end of the stream, "RST" after a reset.
inline std::string ReceiveText(const net::UniqueFd& fd) {
  char buffer[256];
  const ssize_t n = recv(fd.get(), buffer, sizeof(buffer), 0);
  return n < 0 ? "RST" : std::string(buffer, static_cast<size_t>(n));
}

}  // namespace handshake::server

#endif  // HANDSHAKE_TESTS_SERVER_DOOR_SOCKET_PAIR_H_

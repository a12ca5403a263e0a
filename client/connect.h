// One handshake, watched as it goes: what `handshake-client connect` shows.
#ifndef HANDSHAKE_CLIENT_CONNECT_H_
#define HANDSHAKE_CLIENT_CONNECT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/net/address.h"
#include "common/net/wake_event.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"

namespace handshake::client {

struct ConnectOptions {
  net::Address target;
  int64_t sequence = 1;  // X, at most wire::kMaxSequence
  // Its framing is kLine or kBare.
  wire::HandshakeOptions handshake = {.framing = wire::Framing::kLine};
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  const net::WakeEvent* stop = nullptr;  // if it is raised, the handshake is cut: verdict kNone
};

// One line for people, without a final stop; what came from the peer is escaped and cut.
struct ConnectEvent {
  std::chrono::nanoseconds at;  // since Connect() was called
  std::string text;             // "connected to 127.0.0.1:7000", "-> HELLO 100", "OK: ..."
};

// Does one handshake on a new connection and blocks until it has ended, at most until connect
// timeout plus handshake timeout. Calls `on_event` from this thread for each thing that happened,
// last for the verdict. Failures are verdicts: kConnectRefused, kTimeoutStep2 and so on.
wire::Verdict Connect(const ConnectOptions& options,
                      const std::function<void(const ConnectEvent&)>& on_event);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_CONNECT_H_

// Opening one TCP connection.
#ifndef HANDSHAKE_CLIENT_DIAL_H_
#define HANDSHAKE_CLIENT_DIAL_H_

#include <chrono>
#include <cstdint>

#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "common/net/wake_event.h"
#include "common/wire/verdict.h"

namespace handshake::client {

struct Dialled {
  net::UniqueFd fd;
  int error = 0;  // errno of what failed, then there is no fd
};

// Opens a non-blocking socket and begins to connect it. source: the local address, nullptr for the
// kernel's choice; its port is 0 and is chosen by connect(), so that one port serves many targets.
Dialled StartConnect(const net::Address& target, const net::Address* source);

// How far a connection that was begun is: 0 established, EALREADY under way (the socket becomes
// writable when that changes), any other errno: failed, ask no more.
int ConnectProgress(int fd, const net::Address& target);

enum class Waited : uint8_t { kReady, kTimedOut, kStopped };

// Blocks until `fd` has one of these poll events, the deadline has passed, or `stop`, which may be
// nullptr, is raised.
Waited WaitUntil(int fd, short events, std::chrono::steady_clock::time_point deadline,
                 const net::WakeEvent* stop);

// StartConnect() from an address of the kernel's choice, and waits until it is established. Beside
// its errors: ETIMEDOUT after `deadline`, ECANCELED if `stop`, which may be nullptr, is raised.
Dialled Establish(const net::Address& target, std::chrono::steady_clock::time_point deadline,
                  const net::WakeEvent* stop);

// The outcome that a failed StartConnect() or ConnectProgress() is.
wire::Verdict VerdictOfConnectError(int error);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_DIAL_H_

#include "client/handshake_io.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>

namespace handshake::client {
namespace {

using wire::Clock;
using wire::Need;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

bool Write(wire::ClientHandshake& handshake, int fd) {
  char scratch[wire::Session::kScratchBytes];
  const std::string_view output = handshake.Output(scratch);
  const ssize_t n = send(fd, output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && WouldBlock(errno)) return false;
  if (n < 0) {
    handshake.OnReset(Clock::now());
  } else {
    handshake.OnSent(static_cast<size_t>(n), Clock::now());
  }
  return true;
}

bool Read(wire::ClientHandshake& handshake, int fd) {
  char bytes[wire::kMaxMessageBytes];
  const ssize_t n = recv(fd, bytes, handshake.ReadSize(), MSG_DONTWAIT);
  if (n < 0 && WouldBlock(errno)) {
    if (handshake.need() != Need::kProbe) return false;
    handshake.OnQuiet(Clock::now());
  } else if (n < 0) {
    handshake.OnReset(Clock::now());
  } else if (n == 0) {
    handshake.OnEndOfStream(Clock::now());
  } else {
    handshake.OnReceived({bytes, static_cast<size_t>(n)}, Clock::now());
  }
  return true;
}

}  // namespace

bool TakeStep(wire::ClientHandshake& handshake, int fd) {
  assert(handshake.need() != Need::kEnd);
  return handshake.need() == Need::kWrite ? Write(handshake, fd) : Read(handshake, fd);
}

void CloseAs(wire::Ending ending, net::UniqueFd& fd) {
  if (ending == wire::Ending::kReset) {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  fd.reset();
}

}  // namespace handshake::client

// Between a client's session, which knows no socket, and its socket.
#ifndef HANDSHAKE_CLIENT_HANDSHAKE_IO_H_
#define HANDSHAKE_CLIENT_HANDSHAKE_IO_H_

#include "common/net/unique_fd.h"
#include "common/wire/client_handshake.h"

namespace handshake::client {

// Does the one thing that handshake.need() asks for, with one system call on the connected socket.
// False: the socket is not ready for it, nothing has changed. Not to be called at Need::kEnd.
bool TakeStep(wire::ClientHandshake& handshake, int fd);

// Closes as `ending` says.
void CloseAs(wire::Ending ending, net::UniqueFd& fd);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_HANDSHAKE_IO_H_

// Moves the bytes of a talk: input, output and one connection, in one poll loop.
#ifndef HANDSHAKE_CLIENT_DUPLEX_H_
#define HANDSHAKE_CLIENT_DUPLEX_H_

#include <cstddef>

#include "client/talk.h"
#include "common/net/unique_fd.h"

namespace handshake::client {

// What one direction holds before its source is read no more, in bytes: enough to keep a network
// busy, and nobody misses it.
inline constexpr size_t kMaxHeldBytes = 64 * 1024;
// The most that one read adds to that.
inline constexpr size_t kReadBytes = 16 * 1024;

// Drives `talk` on the connected, non-blocking `socket` until it has ended and what it said is
// printed; then closes it. `input` and `output` are borrowed and stay in their blocking state, for
// others may share them: a terminal, a pipe, a file. Each is waited for, so that neither a server
// that does not read nor an output that nobody reads makes memory grow or keeps the other side
// waiting. Blocks; SIGPIPE must be ignored. One thread.
//
// An output whose reader has left ends the talk in order: who reads has enough. One that cannot be
// written is TalkEnd::kCut, an input that cannot be read kBadInput.
TalkEnd RunDuplex(Talk& talk, int input, int output, net::UniqueFd socket);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_DUPLEX_H_

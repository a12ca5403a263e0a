// Moves one connection forward as far as its socket allows, without waiting. Everything that runs
// on readiness (the blocking modes, epoll, the lobby) serves a connection through this.
#ifndef HANDSHAKE_SERVER_DOOR_DRIVE_H_
#define HANDSHAKE_SERVER_DOOR_DRIVE_H_

#include <sys/types.h>

#include <cstddef>

#include "common/wire/session.h"
#include "server/door/connection.h"
#include "server/door/ledger.h"

namespace handshake::server {

// What the connection waits for next; session.deadline() says until when.
enum class Progress : uint8_t {
  kAwaitReadable,
  kAwaitWritable,
  kEnded,  // counted in the ledger and closed; session.verdict() says how it went
};

// Reads at most once (what arrived later is reported by readiness again), writes what it can, and
// applies the deadline after having read what had arrived. Called by whoever owns the connection.
Progress Drive(Connection& connection, Ledger& ledger, wire::TimePoint now);

// The parts of it, for an engine whose reads and writes are done by the kernel meanwhile.
// What a read of at most session.ReadSize() said: `n` bytes, which begin at `bytes`, 0 for the end
// of the stream, below 0 for a connection that is broken.
void OnRead(Connection& connection, const char* bytes, ssize_t n, Ledger& ledger,
            wire::TimePoint now);
// So many bytes of session.Output() were sent.
void OnWritten(Connection& connection, size_t n, Ledger& ledger, wire::TimePoint now);

// Before session.Output() is sent.
inline void OnWriting(Connection& connection, Ledger& ledger) {
  ledger.timelines().NoteReply(connection);
}

// Ends it for a reason outside the protocol: counted, reset.
void Abort(Connection& connection, wire::Verdict verdict, Ledger& ledger, wire::TimePoint now);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_DRIVE_H_

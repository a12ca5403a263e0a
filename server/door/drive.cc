#include "server/door/drive.h"

#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "server/door/failure_log.h"

namespace handshake::server {
namespace {

// At once, on the stack of whoever serves.
constexpr size_t kReadBytes = 8 * 1'024;

enum class Step : uint8_t { kDone, kWouldBlock };

bool WouldBlock(ssize_t n) { return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK); }

// Calls a socket operation again while a signal interrupts it.
template <class Operation>
ssize_t Uninterrupted(Operation operation) {
  ssize_t n;
  do {
    n = operation();
  } while (n < 0 && errno == EINTR);
  return n;
}

void NoteFirstByte(Connection& connection, wire::TimePoint now) {
  if (connection.first_byte_us != Connection::kNotYet) return;
  connection.first_byte_us = connection.MicrosecondsAt(now);
}

Step Read(Connection& connection, Ledger& ledger, wire::TimePoint now) {
  char bytes[kReadBytes];
  const size_t most = std::min(sizeof(bytes), connection.session.ReadSize());
  const ssize_t n =
      Uninterrupted([&] { return recv(connection.fd.get(), bytes, most, MSG_DONTWAIT); });
  if (WouldBlock(n)) return Step::kWouldBlock;
  OnRead(connection, bytes, n, ledger, now);
  return Step::kDone;
}

Step Write(Connection& connection, Ledger& ledger, wire::TimePoint now) {
  OnWriting(connection, ledger);
  char scratch[wire::Session::kScratchBytes];
  const std::string_view output = connection.session.Output(scratch);
  const ssize_t n = Uninterrupted([&] {
    return send(connection.fd.get(), output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (WouldBlock(n)) return Step::kWouldBlock;
  if (n < 0) {
    connection.session.OnReset(now);
    return Step::kDone;
  }
  OnWritten(connection, static_cast<size_t>(n), ledger, now);
  return Step::kDone;
}

Step Discard(Connection& connection, wire::TimePoint now) {
  char dropped[kReadBytes];
  const size_t limit = std::min(sizeof(dropped), connection.session.DiscardLimit());
  const ssize_t n =
      Uninterrupted([&] { return recv(connection.fd.get(), dropped, limit, MSG_DONTWAIT); });
  if (WouldBlock(n)) return Step::kWouldBlock;
  if (n > 0) {
    connection.session.OnDiscarded(static_cast<size_t>(n), now);
  } else if (n == 0) {
    connection.session.OnEndOfStream(now);
  } else {
    connection.session.OnReset(now);
  }
  return Step::kDone;
}

void CountMessages(Connection& connection, Ledger& ledger) {
  wire::Session& session = connection.session;
  if (!session.protocol().long_lived()) return;
  if (const uint32_t count = session.TakeMessageCount()) ledger.CountMessages(connection, count);
}

// Counted first: when the peer sees the end of the stream, the ledger knows of it.
void Finish(Connection& connection, Ledger& ledger, wire::TimePoint now) {
  ledger.CountEnded(connection, now);
  if (connection.session.ending() == wire::Ending::kReset) {
    LogFailure(connection);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(connection.fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  connection.fd.reset();
}

}  // namespace

Progress Drive(Connection& connection, Ledger& ledger, wire::TimePoint now) {
  wire::Session& session = connection.session;
  ledger.timelines().NoteServed(connection, now);
  bool has_read = false;
  while (true) {
    Step step = Step::kDone;
    Progress wait = Progress::kAwaitReadable;
    switch (session.need()) {
      case wire::Need::kRead:
        step = has_read ? Step::kWouldBlock : Read(connection, ledger, now);
        has_read = true;
        break;
      case wire::Need::kWrite:
        step = Write(connection, ledger, now);
        wait = Progress::kAwaitWritable;
        break;
      case wire::Need::kShutdown:
        LogFailure(connection);  // now: a peer that closes after our FIN has no address any more
        shutdown(connection.fd.get(), SHUT_WR);
        session.OnShutdown(now);
        break;
      case wire::Need::kDiscard:
        step = Discard(connection, now);
        break;
      case wire::Need::kEnd:
        Finish(connection, ledger, now);
        return Progress::kEnded;
      case wire::Need::kProbe:
        assert(false && "a server never probes");
        break;
    }
    if (step == Step::kDone) continue;
    if (now < session.deadline()) return wait;
    session.OnTime(now);  // ends it, or moves the deadline
  }
}

void OnRead(Connection& connection, const char* bytes, ssize_t n, Ledger& ledger,
            wire::TimePoint now) {
  ledger.timelines().NoteServed(connection, now);
  if (n > 0) {
    NoteFirstByte(connection, now);
    ledger.CountReceived(connection, n);
    connection.session.OnReceived({bytes, static_cast<size_t>(n)}, now);
    CountMessages(connection, ledger);
  } else if (n == 0) {
    connection.session.OnEndOfStream(now);
    CountMessages(connection, ledger);
  } else {
    connection.session.OnReset(now);
  }
}

void OnWritten(Connection& connection, size_t n, Ledger& ledger, wire::TimePoint now) {
  ledger.CountSent(connection, static_cast<int64_t>(n));
  connection.session.OnSent(n, now);
  CountMessages(connection, ledger);
  if (!connection.counted_held && connection.session.held()) {
    connection.counted_held = true;
    ledger.CountHeld(connection);
  }
}

void Abort(Connection& connection, wire::Verdict verdict, Ledger& ledger, wire::TimePoint now) {
  connection.session.Abort(verdict);
  Finish(connection, ledger, now);
}

}  // namespace handshake::server

// The client's role in the handshake. See session.h for the contract of each method.
#ifndef HANDSHAKE_COMMON_WIRE_CLIENT_HANDSHAKE_H_
#define HANDSHAKE_COMMON_WIRE_CLIENT_HANDSHAKE_H_

#include "common/wire/handshake_machine.h"

namespace handshake::wire {

// Verdict kOk: X+1 came, message 3 was sent and the server closed with FIN. kPeerError: input()
// holds the ERROR answer. kUnconfirmed: message 3 was sent and anything else followed.
class ClientHandshake : public HandshakeMachine {
 public:
  // Borrows `options`, which must outlive this; its framing is kLine or kBare.
  // sequence: X, at most kMaxSequence.
  ClientHandshake(const HandshakeOptions& options, int64_t sequence, TimePoint now);

  std::string_view Output(std::span<char> scratch) const;

  void OnReceived(std::string_view bytes, TimePoint now);
  void OnSent(size_t n, TimePoint now);
  void OnQuiet(TimePoint now);
  void OnEndOfStream(TimePoint now);
  void OnReset(TimePoint now);
  void OnTime(TimePoint now);

 private:
  void ReadReply(TimePoint now);
  // Bytes where none belong: an ERROR answer, or trailing data.
  void JudgeUnexpected(TimePoint now);
  // The verdict of a failure: kUnconfirmed once message 3 was sent, for the server may have got it.
  Verdict UnlessConfirmed(Verdict verdict) const;
};

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_CLIENT_HANDSHAKE_H_

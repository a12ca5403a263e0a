// The server's role in the handshake. See session.h for the contract of each method.
#ifndef HANDSHAKE_COMMON_WIRE_SERVER_HANDSHAKE_H_
#define HANDSHAKE_COMMON_WIRE_SERVER_HANDSHAKE_H_

#include "common/wire/handshake_machine.h"

namespace handshake::wire {

class ServerHandshake : public HandshakeMachine {
 public:
  using Options = HandshakeOptions;
  static constexpr std::string_view kName = "handshake";

  // Borrows `options`, which must outlive this.
  ServerHandshake(const Options& options, TimePoint now);

  bool held() const { return stage() == Stage::kReadConfirm; }
  std::string_view Output(std::span<char> scratch) const;
  size_t DiscardLimit() const { return kDiscardBytes - discarded_; }

  void OnReceived(std::string_view bytes, TimePoint now);
  void OnSent(size_t n, TimePoint now);
  void OnShutdown(TimePoint now);
  void OnDiscarded(size_t n, TimePoint now);
  void OnEndOfStream(TimePoint now);
  void OnReset(TimePoint now);
  void OnTime(TimePoint now);
  void Abort(Verdict verdict);

 private:
  void ReadHello(TimePoint now);
  void ReadConfirm(TimePoint now);
  // A `line` message was complete, or there was no room for its LF.
  void JudgeLineHello(const Recognised& hello, TimePoint now);
  // No terminator: judged at the end of a read, of the grace or of the stream.
  void JudgeBareHello(TimePoint now);
  void AcceptHello(int64_t x, TimePoint now);
  // A `line` peer is told, any other is reset.
  void Reject(Verdict verdict, TimePoint now);

  uint16_t discarded_ = 0;
};

using HandshakeProtocol = ProtocolOf<ServerHandshake>;

}  // namespace handshake::wire

#endif  // HANDSHAKE_COMMON_WIRE_SERVER_HANDSHAKE_H_

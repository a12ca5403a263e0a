#include "client/proof.h"

#include "client/connect.h"

namespace handshake::client {
namespace {

using wire::Verdict;

// Did HELLO X+1 come? What fails from message 3 on has had it.
bool WasAnswered(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
    case Verdict::kUnconfirmed:
    case Verdict::kTimeoutStep3:
    case Verdict::kPeerGoneStep3:
    case Verdict::kPeerResetStep3:
      return true;
    default:
      return false;
  }
}

}  // namespace

Proof ProveTarget(const LoadSpec& spec, const net::WakeEvent& stop) {
  const ConnectOptions options = {.target = spec.target,
                                  .sequence = spec.first_sequence,
                                  .handshake = spec.handshake,
                                  .connect_timeout = spec.connect_timeout,
                                  .stop = &stop};
  const auto latest = wire::Clock::now() + Proof::kLatestConnect;
  Proof proof;
  while (!proof.proven && proof.connects < Proof::kMostConnects && wire::Clock::now() < latest) {
    ++proof.connects;
    const Verdict verdict = Connect(options, [](const ConnectEvent&) {});
    ++proof.ended[static_cast<size_t>(verdict)];
    if (verdict == Verdict::kNone) break;
    proof.proven = WasAnswered(verdict);
  }
  return proof;
}

}  // namespace handshake::client

// Drives the server session with arbitrary bytes, cuts, silences and ends. Build it with the preset
// `fuzz` (clang); then: build/fuzz/bin/server_handshake_fuzz -max_len=256 -max_total_time=60
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/wire/server_handshake.h"
#include "tests/support/fake_stream.h"

namespace {

using namespace handshake;
using namespace std::chrono_literals;
using Stream = test::FakeStream<wire::ServerHandshake>;

void Require(bool condition) {
  if (!condition) std::abort();
}

// One byte says what happens next: bytes arrive, time passes, the peer ends its stream or is gone.
void Play(std::string_view input, const wire::HandshakeOptions& options) {
  wire::TimePoint now = wire::TimePoint() + 1'000s;
  wire::ServerHandshake session(options, now);
  Stream stream(session);
  std::string sent;
  while (!input.empty() && session.need() != wire::Need::kEnd) {
    const auto action = static_cast<uint8_t>(input[0]);
    input.remove_prefix(1);
    if (action < 128) {
      const std::string_view bytes = input.substr(0, action);
      stream.Arrive(bytes);
      input.remove_prefix(bytes.size());
    } else if (action < 250) {
      now += std::chrono::milliseconds(action - 128);
    } else if (action == 250) {
      stream.ArriveEnd();
    } else if (action == 251) {
      stream.ArriveReset();
    } else {
      stream.set_blocked(action % 2 == 0);
    }
    const bool decided = session.verdict() != wire::Verdict::kNone;
    const wire::Verdict verdict = session.verdict();
    stream.Run(now);
    Require(!decided || session.verdict() == verdict);  // a verdict is final
    sent += stream.Take();
  }
  // Whatever was said, silence ends it in bounded time.
  now += options.handshake_timeout;
  stream.Run(now);
  now += wire::kDiscardTimeout;
  Require(stream.Run(now));
  Require(session.verdict() != wire::Verdict::kNone);
  // Only success and a peer that was told in full are closed without a reset.
  sent += stream.Take();
  const size_t error = sent.find("ERROR ");
  const bool told = error != sent.npos && sent.ends_with('\n');
  Require(error == sent.npos || sent.size() - error <= wire::kMaxMessageBytes);
  const bool closed = session.ending() == wire::Ending::kClose;
  Require(closed == (session.verdict() == wire::Verdict::kOk || told));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (auto framing : {wire::Framing::kAuto, wire::Framing::kLine, wire::Framing::kBare}) {
    Play(input, {.framing = framing});
  }
  return 0;
}

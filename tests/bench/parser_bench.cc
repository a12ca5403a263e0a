// What the protocol itself costs, without sockets: one message judged, one whole server session.

#include <benchmark/benchmark.h>

#include <cstring>
#include <span>
#include <string_view>

#include "common/wire/message.h"
#include "common/wire/server_handshake.h"
#include "common/wire/session.h"

namespace handshake::wire {
namespace {

constexpr TimePoint kNow = TimePoint() + std::chrono::seconds(1'000);

void Arrive(Session& session, std::string_view text) { session.OnReceived(text, kNow); }

void BM_ParseMessage(benchmark::State& state, std::string_view text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(ParseMessage(text));
  }
}
BENCHMARK_CAPTURE(BM_ParseMessage, short_number, "HELLO 42");
BENCHMARK_CAPTURE(BM_ParseMessage, longest_number, "HELLO 9223372036854775805");
BENCHMARK_CAPTURE(BM_ParseMessage, malformed, "HELLO 007");

void BM_FormatMessage(benchmark::State& state) {
  char text[kMaxValidMessageBytes];
  for (auto _ : state) {
    benchmark::DoNotOptimize(FormatMessage(1'234'567, "\n", text));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(BM_FormatMessage);

// Through the seam that the engines use: begin, message 1, answer, message 3, verdict.
void BM_ServerSession(benchmark::State& state, Framing framing) {
  const HandshakeProtocol protocol({.framing = framing});
  char scratch[Session::kScratchBytes];
  for (auto _ : state) {
    Session session(protocol, kNow);
    Arrive(session, "HELLO 1234567\n");
    const std::string_view answer = session.Output(scratch);
    benchmark::DoNotOptimize(answer.data());
    session.OnSent(answer.size(), kNow);
    Arrive(session, "HELLO 1234569\n");
    if (session.verdict() != Verdict::kOk) state.SkipWithError("the handshake failed");
  }
}
BENCHMARK_CAPTURE(BM_ServerSession, line, Framing::kLine);
BENCHMARK_CAPTURE(BM_ServerSession, automatic, Framing::kAuto);

}  // namespace
}  // namespace handshake::wire

BENCHMARK_MAIN();

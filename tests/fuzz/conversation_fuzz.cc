// Drives the long-lived sessions with arbitrary bytes, cuts, silences and ends. Build it with the
// preset `fuzz` (clang); then: build/fuzz/bin/conversation_fuzz -max_len=20000 -max_total_time=60
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/wire/command_dialect.h"
#include "common/wire/lines_dialect.h"
#include "tests/support/fake_stream.h"

namespace {

using namespace handshake;
using namespace std::chrono_literals;

constexpr wire::TimePoint kStart = wire::TimePoint() + 1'000s;

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Host final : wire::CommandHost {
  wire::HostMode Mode() const override { return {.name = "epoll"}; }
  wire::HostTotals Totals() const override { return {}; }
};

// One byte says what happens next: bytes arrive, time passes, the peer reads or not, ends or is
// gone.
void Play(std::string_view input, const wire::Protocol& protocol) {
  wire::TimePoint now = kStart;
  wire::Session session(protocol, now);
  test::FakeStream stream(session);
  while (!input.empty() && session.need() != wire::Need::kEnd) {
    const auto action = static_cast<uint8_t>(input[0]);
    input.remove_prefix(1);
    if (action < 128) {
      const std::string_view bytes = input.substr(0, action * size_t{64});
      stream.Arrive(bytes);
      input.remove_prefix(bytes.size());
    } else if (action < 248) {
      now += std::chrono::seconds(action - 128);
    } else if (action < 250) {
      stream.ArriveEnd();
    } else if (action == 250) {
      stream.ArriveReset();
    } else {
      stream.set_blocked(action % 2 == 0);
    }
    const bool decided = session.verdict() != wire::Verdict::kNone;
    const wire::Verdict verdict = session.verdict();
    stream.Run(now);
    Require(!decided || session.verdict() == verdict);  // a verdict is final
    stream.Take();
  }
  // Whatever was said, silence ends it in bounded time: each wait here is one of its deadlines.
  for (int i = 0; i < 8 && session.need() != wire::Need::kEnd; ++i) {
    now = session.deadline();
    stream.Run(now);
  }
  Require(session.need() == wire::Need::kEnd && session.verdict() != wire::Verdict::kNone);
  Require(session.input().empty());  // what it was lent it has given back
}

// What a peer that never pauses is answered, reading so many bytes at once.
std::string Answers(std::string_view input, size_t cut, const wire::Protocol& protocol) {
  wire::Session session(protocol, kStart);
  test::FakeStream stream(session);
  stream.set_max_read(cut);
  stream.Arrive(input);
  stream.ArriveEnd();
  stream.Run(kStart);
  if (session.need() != wire::Need::kEnd) session.Abort(wire::Verdict::kInternalError);
  return stream.Take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Host host;
  wire::CommandOptions options;
  options.host = &host;
  const wire::CommandProtocol command(options);
  const wire::LinesProtocol lines{wire::LinesOptions()};
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const wire::Protocol* protocol :
       {static_cast<const wire::Protocol*>(&command), static_cast<const wire::Protocol*>(&lines)}) {
    Play(input, *protocol);
    const std::string whole = Answers(input, SIZE_MAX, *protocol);
    Require(Answers(input, 1, *protocol) == whole);
    Require(Answers(input, 7, *protocol) == whole);
  }
  return 0;
}

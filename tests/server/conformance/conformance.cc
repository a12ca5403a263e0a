#include "tests/server/conformance/conformance.h"

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <numeric>

namespace handshake::test {
namespace {

using std::chrono::steady_clock;

// The clients live in this process too: two descriptors a connection.
void RaiseFdLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
  setrlimit(RLIMIT_NOFILE, &limit);
}

int64_t SumOfEnded(const server::ModeStats& stats) {
  return std::accumulate(stats.ended.begin(), stats.ended.end(), int64_t{0});
}

}  // namespace

void PrintTo(const Verdicts& verdicts, std::ostream* out) {
  for (const auto& [verdict, count] : verdicts) {
    *out << wire::VerdictName(verdict) << ": " << count << "  ";
  }
}

void Conformance::Start(const std::vector<wire::HandshakeOptions>& listeners) {
  server::DataPlaneOptions options;
  for (const wire::HandshakeOptions& handshake : listeners) {
    options.listeners.push_back(
        {.address = *net::Address::Parse("127.0.0.1:0"), .protocol = handshake});
  }
  Start(options);
}

void Conformance::Start(const server::DataPlaneOptions& options) {
  RaiseFdLimit();
  server::DataPlaneOptions with_mode = options;
  with_mode.mode = mode();
  with_mode.engine.io_uring_direct = GetParam().io_uring_direct;
  absl::StatusOr<std::unique_ptr<server::DataPlane>> plane = server::DataPlane::Start(with_mode);
  ASSERT_TRUE(plane.ok()) << plane.status();
  plane_ = *std::move(plane);
}

void Conformance::TearDown() {
  if (!plane_) return;
  AwaitLedger("nothing in flight", [](const auto& stats) { return stats.in_flight == 0; });
  const server::ModeStats ledger = Ledger();
  EXPECT_EQ(ledger.accepted, SumOfEnded(ledger) + ledger.in_flight);
  EXPECT_EQ(ledger.held, 0);
  EXPECT_EQ(ledger.ended[static_cast<size_t>(wire::Verdict::kNone)], 0);
  for (const auto& [verdict, count] : Ended()) {
    EXPECT_NE(wire::ClassOf(verdict), wire::VerdictClass::kClientSide);
  }
}

server::ModeStats Conformance::Ledger() {
  return plane_->Stats()->modes[static_cast<size_t>(mode())];
}

bool Conformance::AwaitLedger(std::string_view what,
                              const std::function<bool(const server::ModeStats&)>& condition) {
  const auto deadline = steady_clock::now() + RawClient::kPatience;
  while (!condition(Ledger())) {
    if (steady_clock::now() >= deadline) {
      ADD_FAILURE() << "the ledger never said: " << what;
      return false;
    }
    poll(nullptr, 0, 5);  // a snapshot lasts for 100 ms
  }
  return true;
}

Verdicts Conformance::Ended() {
  const server::ModeStats ledger = Ledger();
  Verdicts verdicts;
  for (int i = 0; i < wire::kVerdictCount; ++i) {
    if (ledger.ended[i] != 0) verdicts[static_cast<wire::Verdict>(i)] = ledger.ended[i];
  }
  return verdicts;
}

void Conformance::AwaitEnded(int64_t count) {
  AwaitLedger(std::to_string(count) + " ended", [count](const server::ModeStats& stats) {
    return stats.in_flight == 0 && SumOfEnded(stats) >= count;
  });
}

int64_t Conformance::MaxConcurrent() {
  for (const server::ModeInfo& info : plane_->ListModes()) {
    if (info.mode == mode()) return info.max_concurrent;
  }
  ADD_FAILURE() << "ListModes does not know " << server::ModeName(mode());
  return 1;
}

std::string GoodClient::Message(int64_t number) const {
  return "HELLO " + std::to_string(number) + terminator_;
}

bool GoodClient::Hello() {
  raw_.Send(Message(x_));
  const std::string expected = Message(x_ + 1);
  const std::string reply = raw_.Receive(expected.size());
  EXPECT_EQ(reply, expected);
  return reply == expected;
}

bool GoodClient::Confirm() {
  raw_.Send(Message(x_ + 2));
  const RawClient::Rest rest = raw_.ReceiveAll();
  EXPECT_EQ(rest.bytes, "");
  EXPECT_EQ(StreamEndName(rest.end), "FIN");
  return rest.bytes.empty() && rest.end == StreamEnd::kFin;
}

std::vector<Way> AllWays() {
  std::vector<Way> ways;
  for (const server::Mode mode : server::kModes) ways.push_back({.mode = mode});
  ways.push_back({.mode = server::Mode::kIoUring, .io_uring_direct = 1'000});
  return ways;
}

std::string WayTestName(const ::testing::TestParamInfo<Way>& info) {
  std::string name(server::ModeName(info.param.mode));  // gtest allows no '-'
  std::replace(name.begin(), name.end(), '-', '_');
  return info.param.io_uring_direct > 0 ? name + "_direct" : name;
}

}  // namespace handshake::test

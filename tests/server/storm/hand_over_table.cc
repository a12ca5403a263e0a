#include "tests/server/storm/hand_over_table.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "absl/strings/str_format.h"
#include "common/wire/limits.h"
#include "common/wire/session.h"
#include "server/door/connection.h"
#include "server/door/ledger.h"

namespace handshake::test {
namespace {

constexpr int kPairs = server::kModeCount * server::kModeCount;
constexpr int kNoPair = -1;
std::atomic<int> g_pair{kNoPair};
std::array<std::array<std::atomic<int64_t>, kHandOverStateCount>, kPairs> g_counts;

int PairIndex(server::Mode from, server::Mode to) {
  return static_cast<int>(from) * server::kModeCount + static_cast<int>(to);
}

HandOverState StateOf(const wire::Session& session) {
  if (session.need() == wire::Need::kWrite) return HandOverState::kAnswerCut;
  const bool empty = session.ReadSize() == wire::kMaxMessageBytes;
  if (session.step() == 1) {
    return empty ? HandOverState::kNothingRead : HandOverState::kPartOfHello;
  }
  return empty ? HandOverState::kAnswered : HandOverState::kPartOfConfirm;
}

template <class Do>
void ForEachPair(const Do& what) {
  for (server::Mode from : server::kModes) {
    for (server::Mode to : server::kModes) {
      if (from != to) what(from, to);
    }
  }
}

}  // namespace

void CountHandOver(const server::Connection& connection) {
  const int pair = g_pair.load();
  if (pair == kNoPair) return;
  const auto state = static_cast<size_t>(StateOf(connection.session));
  g_counts[static_cast<size_t>(pair)][state].fetch_add(1);
}

void HandOverTable::Open(server::Mode from, server::Mode to) { g_pair.store(PairIndex(from, to)); }

void HandOverTable::Close() { g_pair.store(kNoPair); }

void HandOverTable::Clear() {
  Close();
  for (auto& row : g_counts) {
    for (auto& cell : row) cell.store(0);
  }
}

int64_t HandOverTable::Count(server::Mode from, server::Mode to, HandOverState state) {
  return g_counts[static_cast<size_t>(PairIndex(from, to))][static_cast<size_t>(state)].load();
}

int64_t HandOverTable::LeastFilled() {
  int64_t least = std::numeric_limits<int64_t>::max();
  ForEachPair([&least](server::Mode from, server::Mode to) {
    for (int i = 0; i < kHandOverStateCount; ++i) {
      least = std::min(least, Count(from, to, static_cast<HandOverState>(i)));
    }
  });
  return least;
}

std::string HandOverTable::ToString() {
  std::string text = absl::StrFormat("%-48s", "handed over");
  for (std::string_view name : kHandOverStateNames) absl::StrAppendFormat(&text, " %15s", name);
  text += "\n";
  ForEachPair([&text](server::Mode from, server::Mode to) {
    absl::StrAppendFormat(&text, "%-22s -> %-22s", server::ModeName(from), server::ModeName(to));
    for (int i = 0; i < kHandOverStateCount; ++i) {
      absl::StrAppendFormat(&text, " %15d", Count(from, to, static_cast<HandOverState>(i)));
    }
    text += "\n";
  });
  return text;
}

}  // namespace handshake::test

// The names that ld --wrap gives to Ledger::CountHandedOver and to whoever stands before it.
extern "C" {
void __real__ZN9handshake6server6Ledger15CountHandedOverERKNS0_10ConnectionE(
    handshake::server::Ledger* self, const handshake::server::Connection& connection);
void __wrap__ZN9handshake6server6Ledger15CountHandedOverERKNS0_10ConnectionE(
    handshake::server::Ledger* self, const handshake::server::Connection& connection) {
  handshake::test::CountHandOver(connection);
  __real__ZN9handshake6server6Ledger15CountHandedOverERKNS0_10ConnectionE(self, connection);
}
}

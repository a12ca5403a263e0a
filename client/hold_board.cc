#include "client/hold_board.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <numeric>

namespace handshake::client {

void SharedTime::Advance(wire::TimePoint at) {
  const int64_t earlier = at.time_since_epoch().count();
  int64_t present = at_.load();
  while (earlier < present && !at_.compare_exchange_weak(present, earlier)) {
  }
}

void HoldTally::CountEnded(wire::Verdict verdict, bool while_held, wire::TimePoint now) {
  if (while_held) Add(lost_, 1);
  last_end_.store(now.time_since_epoch().count());
  Add(ended_[static_cast<size_t>(verdict)], 1);
}

void HoldTally::CountDead(int64_t share, bool while_held, wire::TimePoint now) {
  if (while_held) Add(died_, opened_.load() - lost_.load());
  last_end_.store(now.time_since_epoch().count());
  Add(ended_[static_cast<size_t>(wire::Verdict::kNoLocalResource)],
      share - EndedCount() - untried_.load());
}

int64_t HoldTally::EndedCount() const {
  return std::accumulate(ended_.begin(), ended_.end(), int64_t{0},
                         [](int64_t sum, const auto& count) { return sum + count.load(); });
}

void HoldTally::AddTo(HoldReport& report) const {
  for (size_t i = 0; i < ended_.size(); ++i) {
    report.ended[i] += ended_[i].load(std::memory_order_acquire);
  }
  // Lost before opened: nothing is seen lost that was not seen opened.
  report.lost += lost_.load(std::memory_order_acquire);
  report.died += died_.load(std::memory_order_acquire);
  report.untried += untried_.load(std::memory_order_acquire);
  report.opened += opened_.load(std::memory_order_acquire);
}

void HoldBoard::Unmap::operator()(HoldBoard* board) const {
  board->~HoldBoard();
  munmap(board, sizeof(HoldBoard));
}

absl::StatusOr<HoldBoard::Pointer> HoldBoard::Create(int64_t connections, wire::Duration hold) {
  void* memory =
      mmap(nullptr, sizeof(HoldBoard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap");
  Pointer board(new (memory) HoldBoard(connections, hold));
  for (net::WakeEvent* event : {&board->hold_began, &board->hold_cut}) {
    if (absl::Status status = event->Open(); !status.ok()) return status;
  }
  return board;
}

void HoldBoard::Settle(int64_t connections) {
  if (unsettled_.fetch_sub(connections) != connections) return;
  const wire::TimePoint now = wire::Clock::now();
  // finish_at last: whoever sees it sees when the hold began.
  hold_from.Set(now);
  finish_at.Set(now + hold_);
  hold_began.Raise();
}

void HoldBoard::Cancel() {
  finish_at.Advance(wire::Clock::now());
  hold_cut.Raise();
}

}  // namespace handshake::client

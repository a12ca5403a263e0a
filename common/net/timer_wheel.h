// Deadlines of many items at 1 ms grain: arm and cancel in O(1), no allocation in steady state, and
// what a peak needed goes back to the kernel. Used by one thread at a time.
#ifndef HANDSHAKE_COMMON_NET_TIMER_WHEEL_H_
#define HANDSHAKE_COMMON_NET_TIMER_WHEEL_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/net/slab.h"

namespace handshake::net {

// An item is a small number that the owner chooses (its slot in a table). A deadline further away
// than one turn of the wheel (16 s) waits in its place for the next turn.
class TimerWheel {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit TimerWheel(TimePoint now);

  // Sets or replaces the deadline of `item`. A deadline in the past is due at once. Throws
  // std::bad_alloc, as any container.
  void Arm(uint32_t item, TimePoint deadline);
  // As Arm(), unless `item` is due before that already.
  void ArmNoLater(uint32_t item, TimePoint deadline);
  void Cancel(uint32_t item);  // nothing if it is not armed
  bool armed(uint32_t item) const { return nodes_.Holds(item) && At(item).tick != kNever; }

  // Takes one item whose deadline has passed at `now`, if there is one; it is no longer armed.
  std::optional<uint32_t> TakeDue(TimePoint now);

  // When TakeDue() may have something next: never later than the first deadline, at most a grain
  // after it; earlier if the first deadline is more than one turn away. Nothing: nothing is armed.
  std::optional<TimePoint> NextDue() const;

  // What the armed items have of the kernel: see Slab.
  size_t mapped_bytes() const { return nodes_.mapped_bytes(); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint64_t kSlots = 16'384;  // a power of two
  static constexpr uint64_t kNever = 0;       // what fresh memory of a slab says
  struct Node {
    uint32_t next;
    uint32_t previous;
    uint64_t tick;  // kNever: not armed
  };
  static_assert(sizeof(Node) == 16);

  Node& At(uint32_t item) const { return *static_cast<Node*>(nodes_.at(item)); }
  uint64_t TickOf(TimePoint at) const;  // rounded up: never early
  bool DueNow() const;                  // something is due at the current tick
  void Disarm(uint32_t item);
  void Link(uint32_t item, uint64_t tick);
  void Unlink(uint32_t item);

  const TimePoint origin_;  // tick 0
  uint64_t current_ = 1;    // every slot before this tick has been emptied of what was due
  mutable uint64_t quiet_until_ = 1;  // nothing is due before this tick: NextDue() looks from here
  int64_t armed_count_ = 0;
  Slab nodes_{sizeof(Node)};
  std::vector<uint32_t> heads_;
  std::array<uint64_t, kSlots / 64> occupied_{};
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_TIMER_WHEEL_H_

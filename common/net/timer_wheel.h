// Deadlines of many items at 1 ms grain: arm and cancel in O(1), no allocation once all items have
// been armed. Used by one thread at a time.
#ifndef HANDSHAKE_COMMON_NET_TIMER_WHEEL_H_
#define HANDSHAKE_COMMON_NET_TIMER_WHEEL_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace handshake::net {

// An item is a small index that the owner chooses (its slot in a table). A deadline further away
// than one turn of the wheel (16 s) waits in its place for the next turn.
class TimerWheel {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit TimerWheel(TimePoint now);

  // Sets or replaces the deadline of `item`. A deadline in the past is due at once.
  void Arm(uint32_t item, TimePoint deadline);
  void Cancel(uint32_t item);  // nothing if it is not armed
  bool armed(uint32_t item) const { return item < nodes_.size() && nodes_[item].armed; }

  // Takes one item whose deadline has passed at `now`, if there is one; it is no longer armed.
  std::optional<uint32_t> TakeDue(TimePoint now);

  // When TakeDue() may have something next: never later than the first deadline, at most a grain
  // after it; earlier if the first deadline is more than one turn away. Nothing: nothing is armed.
  std::optional<TimePoint> NextDue() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint64_t kSlots = 16'384;  // a power of two
  struct Node {
    uint32_t next = kNone;
    uint32_t previous = kNone;
    uint64_t tick = 0;
    bool armed = false;
  };

  uint64_t TickOf(TimePoint at) const;  // rounded up: never early
  bool DueNow() const;                  // something is due at the current tick
  void Link(uint32_t item, uint64_t tick);
  void Unlink(uint32_t item);

  const TimePoint origin_;
  uint64_t current_ = 0;  // every slot before this tick has been emptied of what was due
  int64_t armed_count_ = 0;
  std::vector<Node> nodes_;
  std::vector<uint32_t> heads_;
  std::array<uint64_t, kSlots / 64> occupied_{};
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_TIMER_WHEEL_H_

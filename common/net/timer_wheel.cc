#include "common/net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <new>

namespace handshake::net {
namespace {
constexpr std::chrono::milliseconds kGrain{1};
}  // namespace

TimerWheel::TimerWheel(TimePoint now) : origin_(now - kGrain), heads_(kSlots, kNone) {}

uint64_t TimerWheel::TickOf(TimePoint at) const {
  const auto since = at - origin_;
  if (since <= since.zero()) return 0;
  return static_cast<uint64_t>((since + kGrain - TimePoint::duration(1)) / kGrain);
}

void TimerWheel::Arm(uint32_t item, TimePoint deadline) {
  const uint64_t tick = std::max(TickOf(deadline), current_);
  if (!armed(item)) {
    if (nodes_.Acquire(item) == nullptr) throw std::bad_alloc();
  } else if (At(item).tick == tick) {
    return;
  } else {
    Unlink(item);
  }
  Link(item, tick);
}

void TimerWheel::ArmNoLater(uint32_t item, TimePoint deadline) {
  if (!armed(item) || TickOf(deadline) < At(item).tick) Arm(item, deadline);
}

void TimerWheel::Cancel(uint32_t item) {
  if (armed(item)) Disarm(item);
}

void TimerWheel::Disarm(uint32_t item) {
  Unlink(item);
  At(item).tick = kNever;
  nodes_.Release(item);
}

void TimerWheel::Link(uint32_t item, uint64_t tick) {
  const uint64_t slot = tick % kSlots;
  At(item) = {.next = heads_[slot], .previous = kNone, .tick = tick};
  if (heads_[slot] != kNone) At(heads_[slot]).previous = item;
  heads_[slot] = item;
  occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
  // Of a later turn, it is looked at when its slot comes round first.
  quiet_until_ = std::min(quiet_until_, current_ + (tick - current_) % kSlots);
  ++armed_count_;
}

void TimerWheel::Unlink(uint32_t item) {
  const Node& node = At(item);
  const uint64_t slot = node.tick % kSlots;
  if (node.next != kNone) At(node.next).previous = node.previous;
  if (node.previous != kNone) {
    At(node.previous).next = node.next;
  } else {
    heads_[slot] = node.next;
    if (node.next == kNone) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  }
  --armed_count_;
}

std::optional<uint32_t> TimerWheel::TakeDue(TimePoint now) {
  // Ticks are rounded up, so a tick is due once `now` has reached it.
  const auto present = static_cast<uint64_t>(std::max(now - origin_, now - now) / kGrain);
  if (armed_count_ == 0) {
    current_ = std::max(current_, present);
    return std::nullopt;
  }
  // After a turn and more without a call one turn over all slots finds everything.
  if (present > current_ + kSlots) current_ = present - kSlots;
  while (current_ <= present) {
    const uint64_t slot = current_ % kSlots;
    for (uint32_t item = heads_[slot]; item != kNone; item = At(item).next) {
      if (At(item).tick > present) continue;  // of a later turn
      Disarm(item);
      return item;
    }
    if (current_ == present) break;
    ++current_;
  }
  return std::nullopt;
}

bool TimerWheel::DueNow() const {
  for (uint32_t item = heads_[current_ % kSlots]; item != kNone; item = At(item).next) {
    if (At(item).tick <= current_) return true;
  }
  return false;
}

std::optional<TimerWheel::TimePoint> TimerWheel::NextDue() const {
  if (armed_count_ == 0) return std::nullopt;
  // What is left in the present slot may belong to a later turn: no reason to look at once.
  quiet_until_ = std::max(quiet_until_, current_ + (DueNow() ? 0 : 1));
  while (quiet_until_ < current_ + kSlots) {
    const uint64_t slot = quiet_until_ % kSlots;
    const uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      quiet_until_ += static_cast<uint64_t>(std::countr_zero(word));
      break;
    }
    quiet_until_ += 64 - slot % 64;
  }
  quiet_until_ = std::min(quiet_until_, current_ + kSlots);
  return origin_ + quiet_until_ * kGrain;
}

}  // namespace handshake::net

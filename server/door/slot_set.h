// Small numbers to give out, the lowest free one first.
#ifndef HANDSHAKE_SERVER_DOOR_SLOT_SET_H_
#define HANDSHAKE_SERVER_DOOR_SLOT_SET_H_

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace handshake::server {

// A bit a number. Used by one thread at a time; no allocation below the largest size reached so
// far.
class SlotSet {
 public:
  // The lowest number that is not taken.
  uint32_t Take() {
    size_t summary = 0;
    while (summary < full_.size() && full_[summary] == kAll) ++summary;
    if (summary == full_.size()) full_.push_back(0);
    const size_t word = summary * 64 + static_cast<size_t>(std::countr_one(full_[summary]));
    if (word == taken_.size()) taken_.push_back(0);
    const auto bit = static_cast<size_t>(std::countr_one(taken_[word]));
    taken_[word] |= uint64_t{1} << bit;
    if (taken_[word] == kAll) full_[word / 64] |= uint64_t{1} << (word % 64);
    ++size_;
    return static_cast<uint32_t>(word * 64 + bit);
  }

  void Return(uint32_t number) {
    assert(Contains(number));
    const size_t word = number / 64;
    taken_[word] &= ~(uint64_t{1} << (number % 64));
    full_[word / 64] &= ~(uint64_t{1} << (word % 64));
    --size_;
  }

  bool Contains(uint32_t number) const {
    const size_t word = number / 64;
    return word < taken_.size() && (taken_[word] >> (number % 64) & 1) != 0;
  }

  // The first taken number from `from` on, or else from 0 on; something is taken.
  uint32_t NextFrom(uint32_t from) const {
    assert(size_ > 0);
    size_t word = from / 64;
    if (word < taken_.size()) {
      const uint64_t rest = taken_[word] >> (from % 64);
      if (rest != 0) return from + static_cast<uint32_t>(std::countr_zero(rest));
    }
    do {
      word = word + 1 < taken_.size() ? word + 1 : 0;
    } while (taken_[word] == 0);
    return static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(taken_[word])));
  }

  size_t size() const { return size_; }

 private:
  static constexpr uint64_t kAll = ~uint64_t{0};
  std::vector<uint64_t> taken_;
  std::vector<uint64_t> full_;  // a bit a word of taken_: all of it is taken
  size_t size_ = 0;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_SLOT_SET_H_

// A flat table of connections with reusable slots, for loops that watch many.
#ifndef HANDSHAKE_SERVER_DOOR_CONNECTION_TABLE_H_
#define HANDSHAKE_SERVER_DOOR_CONNECTION_TABLE_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "server/door/connection.h"

namespace handshake::server {

// Each slot holds a connection and what its owner keeps beside it. A tag names the slot and which
// of its successive uses is meant, so that a late event cannot reach the next connection in it.
// Used by one thread at a time; no allocation below the largest size reached so far.
template <class Note>
class ConnectionTable {
 public:
  struct Entry {
    Connection connection;
    Note note;
  };

  // Returns the slot.
  uint32_t Add(Connection&& connection, Note note) {
    uint32_t slot = first_free_;
    if (slot == kNone) {
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      first_free_ = slots_[slot].next_free;
    }
    slots_[slot].entry.emplace(std::move(connection), std::move(note));
    ++size_;
    return slot;
  }

  Connection Remove(uint32_t slot) {
    Slot& s = slots_[slot];
    assert(s.entry);
    Connection connection = std::move(s.entry->connection);
    s.entry.reset();
    ++s.use;
    s.next_free = first_free_;
    first_free_ = slot;
    --size_;
    return connection;
  }

  Entry& at(uint32_t slot) {
    assert(slots_[slot].entry);
    return *slots_[slot].entry;
  }

  // Tags are below 2^63: larger ones are the owner's for other things.
  uint64_t TagOf(uint32_t slot) const {
    return (uint64_t{slots_[slot].use & 0x7FFF'FFFF} << 32) | slot;
  }
  // Nothing, if that use of the slot is over.
  std::optional<uint32_t> Find(uint64_t tag) const {
    const auto slot = static_cast<uint32_t>(tag);
    if (slot >= slots_.size() || !slots_[slot].entry || TagOf(slot) != tag) return std::nullopt;
    return slot;
  }

  // Some slot in use; the table is not empty. Going on from `hint` makes a sweep linear.
  uint32_t NextInUse(uint32_t hint) const {
    assert(size_ > 0);
    uint32_t slot = hint < slots_.size() ? hint : 0;
    while (!slots_[slot].entry) slot = slot + 1 < slots_.size() ? slot + 1 : 0;
    return slot;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::optional<Entry> entry;
    uint32_t use = 0;
    uint32_t next_free = kNone;
  };
  std::vector<Slot> slots_;
  uint32_t first_free_ = kNone;
  size_t size_ = 0;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_CONNECTION_TABLE_H_

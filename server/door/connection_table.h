// A flat table of connections with reusable slots, for loops that watch many.
#ifndef HANDSHAKE_SERVER_DOOR_CONNECTION_TABLE_H_
#define HANDSHAKE_SERVER_DOOR_CONNECTION_TABLE_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <utility>

#include "common/net/slab.h"
#include "server/door/connection.h"
#include "server/door/slot_set.h"

namespace handshake::server {

// Each slot holds a connection and what its owner keeps beside it; an entry stays where it is until
// it is removed. A tag names the slot and which of the table's uses is meant, so that a late event
// cannot reach the next connection in it. The lowest free slot is used first, and memory that a
// peak needed goes back to the kernel. Used by one thread at a time; without a peak, no allocation.
template <class Note>
class ConnectionTable {
 public:
  struct Entry {
    Connection connection;
    Note note;
  };

  ConnectionTable() : memory_(sizeof(Slot)) {}
  ~ConnectionTable() {
    while (!empty()) Remove(NextInUse(0));
  }
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Returns the slot. Throws std::bad_alloc, as any container.
  uint32_t Add(Connection&& connection, Note note) {
    const uint32_t slot = slots_.Take();
    void* const memory = memory_.Acquire(slot);
    if (memory == nullptr) {
      slots_.Return(slot);
      throw std::bad_alloc();
    }
    new (memory) Slot{.entry = {std::move(connection), std::move(note)}, .use = ++uses_};
    return slot;
  }

  Connection Remove(uint32_t slot) {
    Connection connection = std::move(at(slot).connection);
    At(slot).~Slot();
    memory_.Release(slot);
    slots_.Return(slot);
    return connection;
  }

  Entry& at(uint32_t slot) { return At(slot).entry; }

  // Tags are below 2^63: larger ones are the owner's for other things.
  uint64_t TagOf(uint32_t slot) const {
    return (uint64_t{At(slot).use & 0x7FFF'FFFF} << 32) | slot;
  }
  // Nothing, if that use of the slot is over.
  std::optional<uint32_t> Find(uint64_t tag) const {
    const auto slot = static_cast<uint32_t>(tag);
    if (!slots_.Contains(slot) || TagOf(slot) != tag) return std::nullopt;
    return slot;
  }

  // Some slot in use; the table is not empty. Going on from `hint` makes a sweep linear.
  uint32_t NextInUse(uint32_t hint) const { return slots_.NextFrom(hint); }

  size_t size() const { return slots_.size(); }
  bool empty() const { return size() == 0; }
  // What its entries have of the kernel: see Slab.
  size_t mapped_bytes() const { return memory_.mapped_bytes(); }

 private:
  struct Slot {
    Entry entry;
    uint32_t use;
  };
  Slot& At(uint32_t slot) const {
    assert(slots_.Contains(slot));
    return *std::launder(static_cast<Slot*>(memory_.at(slot)));
  }

  net::Slab memory_;
  SlotSet slots_;
  uint32_t uses_ = 0;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_CONNECTION_TABLE_H_

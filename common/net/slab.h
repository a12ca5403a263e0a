// Memory of many small items of one size, found by number, that does not keep what a peak needed.
#ifndef HANDSHAKE_COMMON_NET_SLAB_H_
#define HANDSHAKE_COMMON_NET_SLAB_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace handshake::net {

// Items lie in chunks, which come from the kernel one by one: an item never moves, and a chunk goes
// back once nothing in it is in use. As many empty chunks as used ones are kept, and one more, so
// that a load that comes and goes does not map and unmap all the time. Whoever gives out the lowest
// free numbers first lets the high chunks empty. Used by one thread at a time.
class Slab {
 public:
  // Items are aligned as for operator new.
  explicit Slab(size_t item_bytes);
  ~Slab();  // what is in use goes with it; nothing is destroyed
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // Brings an item that is not in use into use. Its bytes are 0 in a fresh chunk, and later what
  // they were when it was released. nullptr: the kernel has no memory.
  void* Acquire(uint32_t item);
  // The item is in use.
  void Release(uint32_t item);

  // The item is in use, or Holds() is true.
  void* at(uint32_t item) const {
    assert(Holds(item));
    return chunks_[item / kItemsPerChunk].memory + item % kItemsPerChunk * item_bytes_;
  }
  // Is there memory for this item, in use or not?
  bool Holds(uint32_t item) const {
    const size_t chunk = item / kItemsPerChunk;
    return chunk < chunks_.size() && chunks_[chunk].memory != nullptr;
  }

  size_t item_bytes() const { return item_bytes_; }
  // What it has of the kernel, in use or not. An untouched page of it costs nothing.
  size_t mapped_bytes() const { return (used_chunks_ + empty_chunks_) * chunk_bytes_; }

 private:
  static constexpr uint32_t kItemsPerChunk = 1'024;
  struct Chunk {
    std::byte* memory = nullptr;
    uint32_t in_use = 0;  // items
  };
  bool Map(Chunk& chunk);
  void Unmap(Chunk& chunk);
  void GiveBackSomeEmptyChunks();

  const size_t item_bytes_;
  const size_t chunk_bytes_;
  std::vector<Chunk> chunks_;
  size_t used_chunks_ = 0;   // with items in use
  size_t empty_chunks_ = 0;  // mapped, without
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_SLAB_H_

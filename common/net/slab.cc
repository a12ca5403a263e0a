#include "common/net/slab.h"

#include <sys/mman.h>

#include <algorithm>

namespace handshake::net {
namespace {

constexpr size_t RoundUp(size_t bytes, size_t grain) { return (bytes + grain - 1) / grain * grain; }

}  // namespace

Slab::Slab(size_t item_bytes)
    : item_bytes_(RoundUp(item_bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__)),
      chunk_bytes_(item_bytes_ * kItemsPerChunk) {}

Slab::~Slab() {
  for (Chunk& chunk : chunks_) {
    if (chunk.memory != nullptr) Unmap(chunk);
  }
}

void* Slab::Acquire(uint32_t item) {
  const size_t number = item / kItemsPerChunk;
  if (number >= chunks_.size()) chunks_.resize(std::max(number + 1, 2 * chunks_.size()));
  Chunk& chunk = chunks_[number];
  if (chunk.in_use == 0) {
    if (chunk.memory == nullptr && !Map(chunk)) return nullptr;
    --empty_chunks_;
    ++used_chunks_;
  }
  ++chunk.in_use;
  return at(item);
}

void Slab::Release(uint32_t item) {
  Chunk& chunk = chunks_[item / kItemsPerChunk];
  assert(chunk.in_use > 0);
  if (--chunk.in_use > 0) return;
  --used_chunks_;
  ++empty_chunks_;
  GiveBackSomeEmptyChunks();
}

// The highest first: the lowest are needed next.
void Slab::GiveBackSomeEmptyChunks() {
  const size_t keep = used_chunks_ + 1;
  for (size_t i = chunks_.size(); empty_chunks_ > keep; --i) {
    Chunk& chunk = chunks_[i - 1];
    if (chunk.memory == nullptr || chunk.in_use > 0) continue;
    Unmap(chunk);
    --empty_chunks_;
  }
}

bool Slab::Map(Chunk& chunk) {
  void* memory = mmap(nullptr, chunk_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                      /*fd=*/-1, /*offset=*/0);
  if (memory == MAP_FAILED) return false;
  chunk.memory = static_cast<std::byte*>(memory);
  ++empty_chunks_;
  return true;
}

void Slab::Unmap(Chunk& chunk) {
  munmap(chunk.memory, chunk_bytes_);
  chunk.memory = nullptr;
}

}  // namespace handshake::net

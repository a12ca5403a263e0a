#include "server/engines/frame_pool.h"

#include <cassert>
#include <new>

namespace handshake::server {

void* FramePool::Allocate(uint32_t slot, size_t bytes) noexcept {
  if (!blocks_) blocks_.emplace(sizeof(Header) + bytes);
  assert(sizeof(Header) + bytes <= blocks_->item_bytes());
  void* const block = blocks_->Acquire(slot);
  if (block == nullptr) return nullptr;
  Header* const header = new (block) Header{.pool = this, .coroutine = nullptr, .slot = slot};
  return header + 1;
}

void FramePool::Free(void* frame) noexcept {
  const Header& header = *(static_cast<Header*>(frame) - 1);
  header.pool->blocks_->Release(header.slot);
}

}  // namespace handshake::server

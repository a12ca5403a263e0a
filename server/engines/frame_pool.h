// Memory for the coroutines of one worker, by the slots of their connections.
#ifndef HANDSHAKE_SERVER_ENGINES_FRAME_POOL_H_
#define HANDSHAKE_SERVER_ENGINES_FRAME_POOL_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/net/slab.h"

namespace handshake::server {

// A slot has one frame at a time, and all frames are of one coroutine, so of one size. No
// allocation in steady state; what a peak needed goes back to the kernel. Used by one thread at a
// time, and outlives its frames.
class FramePool {
 public:
  // nullptr: the kernel has no memory.
  void* Allocate(uint32_t slot, size_t bytes) noexcept;
  static void Free(void* frame) noexcept;

  // Null at first. The coroutine in the slot's frame, for whoever resumes or destroys it.
  std::coroutine_handle<>& coroutine(uint32_t slot) { return HeaderOf(slot).coroutine; }

  size_t mapped_bytes() const { return blocks_ ? blocks_->mapped_bytes() : 0; }

 private:
  // Before each frame.
  struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) Header {
    FramePool* pool;
    std::coroutine_handle<> coroutine;
    uint32_t slot;
  };
  Header& HeaderOf(uint32_t slot) { return *static_cast<Header*>(blocks_->at(slot)); }

  std::optional<net::Slab> blocks_;  // of header and frame; made when the first size is known
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_FRAME_POOL_H_

#include "tests/support/allocation_counter.h"

#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace handshake::test {
namespace {

// What the kernel keeps of a thread's name, with its end.
using Name = std::array<char, 16>;

// Set up at compile time: allocations begin before main().
constinit Name g_name{};
constinit std::atomic<bool> g_counting{false};
constinit std::atomic<int64_t> g_allocations{0};
constinit std::atomic<size_t> g_last_size{0};

void Note(size_t size) {
  if (!g_counting.load()) return;
  Name name{};
  prctl(PR_GET_NAME, name.data());
  if (std::strcmp(name.data(), g_name.data()) != 0) return;
  g_allocations.fetch_add(1);
  g_last_size.store(size);
}

}  // namespace

void AllocationCounter::Count(std::string_view thread_name) {
  g_counting.store(false);
  g_name = {};
  std::copy_n(thread_name.begin(), std::min(thread_name.size(), g_name.size() - 1), g_name.begin());
  g_allocations.store(0);
  g_counting.store(true);
}

int64_t AllocationCounter::allocations() { return g_allocations.load(); }

size_t AllocationCounter::last_size() { return g_last_size.load(); }

}  // namespace handshake::test

extern "C" {

// libc's own names for its allocator.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) noexcept {
  handshake::test::Note(size);
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) noexcept {
  handshake::test::Note(count * size);
  return __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size) noexcept {
  handshake::test::Note(size);
  return __libc_realloc(memory, size);
}

void* memalign(size_t alignment, size_t size) noexcept {
  handshake::test::Note(size);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept { return memalign(alignment, size); }

int posix_memalign(void** result, size_t alignment, size_t size) noexcept {
  *result = memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}

}  // extern "C"

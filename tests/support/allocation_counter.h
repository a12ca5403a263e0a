// Counts what threads get from malloc and its relatives, operator new included: the test binary's
// own definitions of these stand before libc's. Not for sanitized builds, which have theirs.
#ifndef HANDSHAKE_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
#define HANDSHAKE_TESTS_SUPPORT_ALLOCATION_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace handshake::test {

// All are static, any thread.
class AllocationCounter {
 public:
  // From now on the allocations of threads with this name (of at most 15 characters) count, from 0.
  static void Count(std::string_view thread_name);
  static int64_t allocations();
  // Bytes asked for by the last one that counted: says where to look.
  static size_t last_size();
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_ALLOCATION_COUNTER_H_

// What this process uses of the machine, read from the kernel.
#ifndef HANDSHAKE_COMMON_STATS_PROCESS_USAGE_H_
#define HANDSHAKE_COMMON_STATS_PROCESS_USAGE_H_

#include <chrono>
#include <cstdint>

namespace handshake::stats {

struct ProcessUsage {
  std::chrono::nanoseconds cpu{};  // user and system, all threads, since the start (getrusage)
  int64_t resident_bytes = 0;      // /proc/self/statm
  int64_t thread_count = 0;        // /proc/self/status
  int64_t open_fd_count = 0;       // /proc/self/fd
  int64_t fd_limit = 0;            // RLIMIT_NOFILE, soft
};

// Any thread. A value that cannot be read is 0.
ProcessUsage ReadProcessUsage();

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_PROCESS_USAGE_H_

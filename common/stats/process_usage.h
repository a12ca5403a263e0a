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

// The TCP counters of the calling thread's network namespace, since it was made
// (/proc/thread-self/net/netstat). All listeners in it count together.
struct ListenCounters {
  int64_t overflows = 0;  // ListenOverflows: an accept queue was full
  int64_t drops = 0;      // ListenDrops: a connection attempt was dropped at a listener
};
ListenCounters ReadListenCounters();

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_PROCESS_USAGE_H_

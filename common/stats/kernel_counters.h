// What the kernel counts for the whole machine, or for a network namespace: never this process's
// alone.
#ifndef HANDSHAKE_COMMON_STATS_KERNEL_COUNTERS_H_
#define HANDSHAKE_COMMON_STATS_KERNEL_COUNTERS_H_

#include <cstdint>

namespace handshake::stats {

// Any thread may read all of these; what cannot be read is 0.

// Time of all CPUs together since the start of the machine, in ticks (/proc/stat).
struct CpuTicks {
  int64_t stolen = 0;  // a virtual CPU was ready to run, and its host ran something else
  int64_t all = 0;     // used, idle and stolen
};
CpuTicks ReadCpuTicks();
// The part, from 0 to 1, of the time since `earlier` that was stolen.
double StolenShare(const CpuTicks& earlier, const CpuTicks& now);

// The TCP counters of the calling thread's network namespace, since it was made. All sockets in it
// count together.
struct ListenCounters {
  int64_t overflows = 0;  // TcpExt ListenOverflows: an accept queue was full
  int64_t drops = 0;      // TcpExt ListenDrops: a connection attempt was dropped at a listener
};
ListenCounters ReadListenCounters();

struct RetransmitCounters {
  int64_t segments = 0;  // Tcp RetransSegs: sent again, the SYNs among them
  int64_t syns = 0;      // TcpExt TCPSynRetrans: of these, SYNs and the answers to them
};
RetransmitCounters ReadRetransmitCounters();

}  // namespace handshake::stats

#endif  // HANDSHAKE_COMMON_STATS_KERNEL_COUNTERS_H_

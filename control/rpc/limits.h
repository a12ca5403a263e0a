// The bounds of the control plane, each with its unit and reason.
#ifndef HANDSHAKE_CONTROL_RPC_LIMITS_H_
#define HANDSHAKE_CONTROL_RPC_LIMITS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace handshake::control {

// A request: the largest legal one (a load spec with its ids) has less than 1 KiB.
inline constexpr int kMaxRequestBytes = 64 * 1024;
// What a client reads: 1,000 switches or load runs in one list are about 400 KiB.
inline constexpr int kMaxResponseBytes = 4 * 1024 * 1024;
// The headers of one call: room for a token later, too small to be a bomb.
inline constexpr int kMaxMetadataBytes = 8 * 1024;
// Connections at once, to one port: every watcher with one of its own, and operators beside them.
inline constexpr size_t kMaxConnections = 256;
// Connections beside those that have not said a byte: more than a crowd that comes back at once.
inline constexpr size_t kMaxSilentConnections = 256;
// Calls at once on one connection: several dashboards' worth.
inline constexpr int kMaxStreamsPerConnection = 32;
// A connection that speaks no HTTP/2, or has no call, is closed after these.
inline constexpr std::chrono::seconds kConnectionHandshakeTimeout{5};
inline constexpr std::chrono::minutes kConnectionIdleTimeout{5};
// Pings may not come more often; after this many that do the connection is closed.
inline constexpr std::chrono::seconds kMinPingInterval{10};
inline constexpr int kMaxPingStrikes = 2;
// gRPC's buffers in all, and its threads for calls that block (reflection alone has such).
inline constexpr size_t kRpcMemoryBytes = 64 * 1024 * 1024;
inline constexpr int kMaxRpcThreads = 8;
// Lines a second that gRPC may write to our log.
inline constexpr int64_t kRpcLogLinesPerSecond = 5;

// Calls that wait for one worker of a service: a handful of operators, not a queue.
inline constexpr size_t kMaxWaitingCalls = 64;

// Streams open at once over all callers, for each Watch method: one message in flight each.
inline constexpr int kMaxWatchStreams = 128;
inline constexpr std::chrono::milliseconds kMinWatchInterval{100};
inline constexpr std::chrono::seconds kMaxWatchInterval{60};
inline constexpr std::chrono::seconds kDefaultWatchInterval{1};
// How soon a stream notices that what it watches has ended.
inline constexpr std::chrono::milliseconds kWatchPoll{100};

// Entries of a list.
inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1'000;
// An id the caller chooses: a UUID is 36.
inline constexpr size_t kMaxRequestIdBytes = 128;

// Load runs. The load generator must never be a cannon: these hold whatever was asked for.
inline constexpr int64_t kMaxLoadConnections = 2'000;  // over all runs
inline constexpr double kMaxLoadRate = 5'000;          // planned starts a second, over all runs
inline constexpr std::chrono::hours kMaxLoadThinkTime{1};
// A run that is watched may soak a server for a day; one that nobody watches ends by itself soon.
inline constexpr std::chrono::hours kMaxLoadDuration{24};
inline constexpr std::chrono::seconds kMaxDetachedLoad{60};
inline constexpr int64_t kMaxLoadHandshakes = 1'000'000'000;
// Handshakes of a run whose times are kept, each some 60 bytes of an answer.
inline constexpr int64_t kMaxLoadSamples = 1'000;
// The histograms of a run's points in one answer; if they take more, the points come without.
inline constexpr size_t kMaxPointHistogramBytes = 2 * 1024 * 1024;
// A run without a watcher lives this long: a watcher may reconnect, a dead one stops its load.
inline constexpr std::chrono::seconds kLoadLease{3};
// Runs that go on at once: each has threads and some MB of histograms.
inline constexpr size_t kMaxRunningLoadRuns = 16;
// Finished runs that keep what only the FULL view has, a MB or more each.
inline constexpr size_t kMaxFullLoadRuns = 10;
// Finished runs kept for GetLoadRun.
inline constexpr size_t kMaxFinishedLoadRuns = 100;
// How old the state of a run may be.
inline constexpr std::chrono::milliseconds kLoadRunTick{100};
// CancelLoadRun answers with the final state if the run ends within this.
inline constexpr std::chrono::seconds kLoadCancelWait{2};

// How long a client waits for an answer, and for the first connection.
inline constexpr std::chrono::seconds kDefaultCallTimeout{10};

static_assert(kWatchPoll <= kMinWatchInterval && kMinWatchInterval <= kDefaultWatchInterval);
static_assert(kLoadRunTick < kLoadLease && kLoadCancelWait < kDefaultCallTimeout);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_LIMITS_H_

// The CPUs that this process works on.
#ifndef HANDSHAKE_SERVER_DOOR_CPUS_H_
#define HANDSHAKE_SERVER_DOOR_CPUS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace handshake::server {

// Numbers of the CPUs that the calling thread may use, ascending, never empty.
std::vector<int> AllowedCpus();

// Reads a list as taskset and cpusets write it: "0-3,8". Ascending, each once. INVALID_ARGUMENT if
// it is none, or names a CPU that this process may not use.
absl::StatusOr<std::vector<int>> ParseCpus(std::string_view list);

// Of `count` things, numbered from 0, those of worker `worker` of `workers`: worker, worker +
// workers, and so on. Shards and CPUs are shared out so.
std::vector<int> ShareOf(int64_t worker, int64_t workers, int64_t count);

// Keeps the calling thread, and those it starts, on these CPUs. One that went away since is
// ignored: then the thread runs where it may.
void StayOn(std::span<const int> cpus);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_CPUS_H_

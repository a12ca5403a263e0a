#include "common/stats/process_usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace handshake::stats {
namespace {

std::chrono::nanoseconds Nanoseconds(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::chrono::nanoseconds CpuTime() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return {};
  return Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime);
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  if (!(statm >> total_pages >> resident_pages)) return 0;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

int64_t ThreadCount() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "Threads:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    int64_t count = 0;
    std::istringstream(line.substr(kKey.size())) >> count;
    return count;
  }
  return 0;
}

int64_t OpenFdCount() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int64_t count = -1;  // the directory itself is open while it is read
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(directory);
  return count;
}

int64_t FdLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  return {.cpu = CpuTime(),
          .resident_bytes = ResidentBytes(),
          .thread_count = ThreadCount(),
          .open_fd_count = OpenFdCount(),
          .fd_limit = FdLimit()};
}

}  // namespace handshake::stats

#include "common/stats/process_usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
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

ListenCounters ReadListenCounters() {
  // Two lines for each group of counters: "TcpExt: name name ..." and "TcpExt: value value ...".
  std::ifstream netstat("/proc/thread-self/net/netstat");
  ListenCounters counters;
  std::string names_line;
  std::string values_line;
  while (std::getline(netstat, names_line) && std::getline(netstat, values_line)) {
    if (!names_line.starts_with("TcpExt:")) continue;
    std::istringstream names(names_line);
    std::istringstream values(values_line);
    std::string name;
    std::string value;
    while (names >> name && values >> value) {
      int64_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      if (name == "ListenOverflows") counters.overflows = number;
      if (name == "ListenDrops") counters.drops = number;
    }
  }
  return counters;
}

}  // namespace handshake::stats

#include "common/stats/kernel_counters.h"

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace handshake::stats {
namespace {

using Wanted = std::vector<std::pair<std::string_view, int64_t*>>;

// Sets the counters of one group, by name. The files have two lines a group: "TcpExt: name name
// ..." and "TcpExt: value value ...".
void ReadGroup(const char* path, std::string_view group, const Wanted& wanted) {
  std::ifstream file(path);
  std::string names_line;
  std::string values_line;
  while (std::getline(file, names_line) && std::getline(file, values_line)) {
    if (!names_line.starts_with(group)) continue;
    std::istringstream names(names_line);
    std::istringstream values(values_line);
    std::string name;
    std::string value;
    while (names >> name && values >> value) {
      for (const auto& [wanted_name, number] : wanted) {
        if (name == wanted_name) {
          std::from_chars(value.data(), value.data() + value.size(), *number);
        }
      }
    }
    return;
  }
}

constexpr const char* kNetstat = "/proc/thread-self/net/netstat";
constexpr const char* kSnmp = "/proc/thread-self/net/snmp";

}  // namespace

CpuTicks ReadCpuTicks() {
  // "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guests count as user.
  constexpr int kColumns = 8;
  constexpr int kSteal = 7;
  std::ifstream stat("/proc/stat");
  std::string name;
  CpuTicks ticks;
  stat >> name;
  for (int column = 0; column < kColumns; ++column) {
    int64_t number = 0;
    if (!(stat >> number)) return {};
    ticks.all += number;
    if (column == kSteal) ticks.stolen = number;
  }
  return ticks;
}

double StolenShare(const CpuTicks& earlier, const CpuTicks& now) {
  // The kernel's counters have been seen to step back.
  const int64_t stolen = now.stolen - earlier.stolen;
  const int64_t all = now.all - earlier.all;
  if (stolen <= 0 || all <= 0) return 0;
  return static_cast<double>(stolen) / static_cast<double>(all);
}

ListenCounters ReadListenCounters() {
  ListenCounters counters;
  ReadGroup(kNetstat, "TcpExt:",
            {{"ListenOverflows", &counters.overflows}, {"ListenDrops", &counters.drops}});
  return counters;
}

RetransmitCounters ReadRetransmitCounters() {
  RetransmitCounters counters;
  ReadGroup(kNetstat, "TcpExt:", {{"TCPSynRetrans", &counters.syns}});
  // Read later: a SYN sent again is among them.
  ReadGroup(kSnmp, "Tcp:", {{"RetransSegs", &counters.segments}});
  return counters;
}

}  // namespace handshake::stats

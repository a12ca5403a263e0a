#include "server/door/cpus.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace handshake::server {
namespace {

struct Range {
  int first;
  int last;
};

std::optional<int> ReadNumber(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return {};
  return number < CPU_SETSIZE ? std::optional(number) : std::nullopt;
}

// "3" or "0-3".
std::optional<Range> ReadRange(std::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<int> first = ReadNumber(text.substr(0, dash));
  const std::optional<int> last =
      dash == std::string_view::npos ? first : ReadNumber(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return Range{*first, *last};
}

}  // namespace

std::vector<int> AllowedCpus() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

absl::StatusOr<std::vector<int>> ParseCpus(std::string_view list) {
  const std::vector<int> allowed = AllowedCpus();
  std::set<int> cpus;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::optional<Range> range = ReadRange(list.substr(begin, end - begin));
    if (!range) {
      return absl::InvalidArgumentError(
          absl::StrFormat("'%s' is no list of CPUs: write it like 0-3,8", list));
    }
    for (int cpu = range->first; cpu <= range->last; ++cpu) {
      if (!std::binary_search(allowed.begin(), allowed.end(), cpu)) {
        return absl::InvalidArgumentError(
            absl::StrFormat("CPU %d is not among those this process may use: %s", cpu,
                            absl::StrJoin(allowed, ",")));
      }
      cpus.insert(cpu);
    }
    begin = end + 1;
  }
  return std::vector<int>(cpus.begin(), cpus.end());
}

void StayOn(std::span<const int> cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace handshake::server

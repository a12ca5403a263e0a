#include "server/door/cpus.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace handshake::server {
namespace {

// As many as the kernel can be built for; cpu_set_t holds fewer.
constexpr int kMostCpus = 8'192;
using CpuSet = std::array<cpu_set_t, kMostCpus / CPU_SETSIZE>;

struct Range {
  int first;
  int last;
};

std::optional<int> ReadNumber(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return {};
  return number < kMostCpus ? std::optional(number) : std::nullopt;
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
  std::vector<int> cpus;
  CpuSet set;
  if (sched_getaffinity(0, sizeof(set), set.data()) == 0) {
    for (int cpu = 0; cpu < kMostCpus; ++cpu) {
      if (CPU_ISSET_S(cpu, sizeof(set), set.data())) cpus.push_back(cpu);
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

std::vector<int> ShareOf(int64_t worker, int64_t workers, int64_t count) {
  std::vector<int> share;
  for (int64_t i = worker; i < count; i += workers) share.push_back(static_cast<int>(i));
  return share;
}

void StayOn(std::span<const int> cpus) {
  CpuSet set{};
  for (const int cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), sizeof(set), set.data());
  sched_setaffinity(0, sizeof(set), set.data());
}

}  // namespace handshake::server

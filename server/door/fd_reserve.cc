#include "server/door/fd_reserve.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <climits>

#include "common/net/unique_fd.h"
#include "common/stats/process_usage.h"

namespace handshake::server {

absl::Status FdReserve::Open() {
  others_ = stats::ReadProcessUsage().open_fd_count + kGrowth;
  if (HasRoom()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "the limit on open files is too low to serve: raise it with ulimit -n, to 256 at least");
}

void FdReserve::ReadLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t most = std::min<rlim_t>(limit.rlim_cur, INT_MAX);
  first_reserved_.store(std::max(0, static_cast<int>(most) - kSize));
}

bool FdReserve::HasRoom() {
  ReadLimit();  // it may have been changed since
  const net::UniqueFd lowest(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const bool room = lowest && lowest.get() < first_reserved_.load(std::memory_order_relaxed);
  low_.store(!room);
  return room;
}

}  // namespace handshake::server

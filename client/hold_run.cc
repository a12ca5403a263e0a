#include "client/hold_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/hold_board.h"
#include "client/hold_worker.h"
#include "client/spec_check.h"
#include "common/net/reactor.h"
#include "common/net/unique_fd.h"

namespace handshake::client {
namespace {

using wire::Clock;
using wire::TimePoint;

constexpr std::chrono::hours kLongestHold{1};
constexpr std::chrono::hours kLongest{24 * 30};
constexpr int64_t kConnectionsPerProcess = 1'000;
// Behind the number of ports that one address has, and that are found fast.
constexpr int64_t kMostWithoutSources = 14'000;
// Of a process: standard streams, the board's events, epoll, and some in reserve.
constexpr int64_t kOwnDescriptors = 16;
// Connections being opened, or finished, at once: over all processes fewer than an accept queue
// holds (4,096 unless changed), for a SYN that is dropped comes again after 1 s; and of a process,
// as many as keep it busy.
constexpr int64_t kAtOnce = 2'048;
constexpr int64_t kAtOncePerProcess = 64;

int64_t RoundUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The limit of open files that a process can give itself.
int64_t HardFdLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kEnough = HoldRun::kMostConnections + kOwnDescriptors;
  return static_cast<int64_t>(std::min(limit.rlim_max, kEnough));
}

absl::Status CheckSpec(const HoldSpec& spec) {
  if (spec.connections < 1 || spec.connections > HoldRun::kMostConnections) {
    return Invalid("connections must be from 1 to %d, not %d", HoldRun::kMostConnections,
                   spec.connections);
  }
  if (spec.hold.count() < 0 || spec.hold > kLongestHold) {
    return Invalid("the hold must be from 0 to %d h", kLongestHold.count());
  }
  if (spec.processes < 0 || spec.processes > HoldRun::kMostProcesses) {
    return Invalid("processes must be from 1 to %d, or 0 for automatic", HoldRun::kMostProcesses);
  }
  return CheckPeer(spec.target, spec.handshake, spec.connect_timeout);
}

absl::StatusOr<int64_t> ProcessesFor(const HoldSpec& spec, int64_t fd_limit) {
  const int64_t room = std::max<int64_t>(fd_limit - kOwnDescriptors, 1);
  const int64_t at_least = RoundUp(spec.connections, room);
  const int64_t cpus = std::max<int64_t>(std::thread::hardware_concurrency(), 1);
  const int64_t for_speed = std::min(RoundUp(spec.connections, kConnectionsPerProcess), cpus);
  int64_t processes = spec.processes != 0 ? spec.processes : std::max(at_least, for_speed);
  processes = std::min({processes, spec.connections, HoldRun::kMostProcesses});
  if (processes >= at_least && fd_limit > kOwnDescriptors) return processes;
  const int64_t needed = RoundUp(spec.connections, processes) + kOwnDescriptors;
  const bool more_would_do = at_least <= HoldRun::kMostProcesses && fd_limit > kOwnDescriptors;
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%d connections in %d processes need a limit of %d open files each, it is %d; %srun "
      "'ulimit -n %d' first or hold fewer",
      spec.connections, processes, needed, fd_limit,
      more_would_do ? absl::StrFormat("use %d processes, ", at_least) : "", needed));
}

// In a forked process: what the parent has open is none of ours, above all not its sockets.
void CloseAllBut(int a, int b) {
  unsigned next = STDERR_FILENO + 1;
  for (const int fd : {std::min(a, b), std::max(a, b)}) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > next) close_range(next, kept - 1, 0);
    next = std::max(next, kept + 1);
  }
  close_range(next, ~0u, 0);
}

void RaiseFdLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The life of a forked process.
[[noreturn]] void WorkAndExit(pid_t parent, const HoldPlan& plan, HoldTally& tally, int64_t first,
                              int64_t share) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before that
  CloseAllBut(plan.board.hold_began.fd(), plan.board.hold_cut.fd());
  RaiseFdLimit();
  HoldWorker worker(plan, tally, first, share);
  if (!worker.Open().ok()) _exit(1);
  worker.Run();
  _exit(0);
}

// Becomes readable when the process has ended. glibc's own declaration does not link from C++.
net::UniqueFd OpenPidfd(pid_t pid) {
  return net::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

struct Process {
  pid_t pid;            // -1: it was reaped
  net::UniqueFd pidfd;  // until then
  int64_t share;
};

}  // namespace

int64_t HoldReport::failed() const {
  return std::accumulate(ended.begin(), ended.end(), int64_t{0}) - finished();
}

struct HoldRun::Impl {
  Impl(const HoldSpec& spec, int64_t process_count, int64_t limit, HoldBoard::Pointer the_board)
      : board(std::move(the_board)),
        plan{.spec = spec,
             .sources = SourceAddresses(spec.target, spec.connections, 0),
             .at_once = static_cast<uint32_t>(
                 std::clamp<int64_t>(kAtOnce / process_count, 1, kAtOncePerProcess)),
             .board = *board},
        fd_limit(limit) {}
  ~Impl();

  absl::Status Fork(int64_t count);
  bool WaitForOne(TimePoint deadline);
  void Reap(size_t index);
  bool Over() const { return running.load() == 0; }

  const HoldBoard::Pointer board;
  const HoldPlan plan;
  const int64_t fd_limit;
  TimePoint started;
  std::vector<Process> processes;
  std::atomic<int64_t> running{0};  // processes
  std::atomic<int64_t> dead{0};
  std::atomic<int64_t> cpu_ns{0};
  std::atomic<bool> cancelled{false};
};

absl::Status HoldRun::Impl::Fork(int64_t count) {
  const pid_t self = getpid();
  const int64_t connections = plan.spec.connections;
  processes.reserve(static_cast<size_t>(count));
  started = Clock::now();
  int64_t first = 0;
  for (int64_t i = 0; i < count; ++i) {
    // The first ones take one more if they do not divide evenly.
    const int64_t share = connections / count + (i < connections % count);
    const pid_t pid = fork();
    if (pid == 0) WorkAndExit(self, plan, board->tallies[static_cast<size_t>(i)], first, share);
    if (pid > 0) {
      processes.push_back({.pid = pid, .pidfd = OpenPidfd(pid), .share = share});
      ++running;
    }
    if (pid < 0 || !processes.back().pidfd) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("process %d of %d cannot be started: %s; use fewer processes", i + 1,
                          count, std::strerror(errno)));
    }
    first += share;
  }
  return absl::OkStatus();
}

HoldRun::Impl::~Impl() {
  for (const Process& process : processes) {
    if (process.pid < 0) continue;
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
  }
}

// False: `deadline` passed and none has ended.
bool HoldRun::Impl::WaitForOne(TimePoint deadline) {
  std::vector<pollfd> waiting;
  for (const Process& process : processes) {
    waiting.push_back({.fd = process.pidfd.get(), .events = POLLIN, .revents = 0});
  }
  if (poll(waiting.data(), waiting.size(), net::TimeoutMs(deadline, Clock::now())) <= 0) {
    return Clock::now() < deadline;
  }
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i].revents != 0) Reap(i);
  }
  return true;
}

void HoldRun::Impl::Reap(size_t index) {
  Process& process = processes[index];
  int status = 0;
  rusage usage{};
  while (wait4(process.pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  process.pid = -1;
  process.pidfd.reset();
  for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
    cpu_ns += time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    // The others would wait for what it was to open; what they hold is finished.
    const TimePoint now = Clock::now();
    const bool while_held = board->hold_from.IsSet() && now < board->finish_at.Get();
    board->tallies[index].CountDead(process.share, while_held, now);
    ++dead;
    board->Cancel();
  }
  --running;
}

HoldRun::HoldRun(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HoldRun::~HoldRun() = default;

absl::StatusOr<std::unique_ptr<HoldRun>> HoldRun::Start(const HoldSpec& spec) {
  if (absl::Status status = CheckSpec(spec); !status.ok()) return status;
  const int64_t fd_limit = HardFdLimit();
  const absl::StatusOr<int64_t> processes = ProcessesFor(spec, fd_limit);
  if (!processes.ok()) return processes.status();
  absl::StatusOr<HoldBoard::Pointer> board = HoldBoard::Create(spec.connections, spec.hold);
  if (!board.ok()) return board.status();
  auto impl = std::make_unique<Impl>(spec, *processes, fd_limit, *std::move(board));
  if (impl->plan.sources.count() == 0 && spec.connections > kMostWithoutSources) {
    return Invalid(
        "only a target in 127.0.0.0/8 can be held from several addresses; to %s at most "
        "%d connections",
        spec.target.ToString(), kMostWithoutSources);
  }
  if (absl::Status status = impl->Fork(*processes); !status.ok()) return status;
  return std::unique_ptr<HoldRun>(new HoldRun(std::move(impl)));
}

const HoldSpec& HoldRun::spec() const { return impl_->plan.spec; }

HoldReport HoldRun::Report() const {
  const HoldBoard& board = *impl_->board;
  HoldReport report;
  const bool over = impl_->Over();  // read before the counts, that they are the last ones
  TimePoint last_end{};
  for (size_t i = 0; i < impl_->processes.size(); ++i) {
    board.tallies[i].AddTo(report);
    last_end = std::max(last_end, board.tallies[i].last_end());
  }
  const TimePoint now = Clock::now();
  const TimePoint end = over ? std::max(last_end, impl_->started) : now;
  const TimePoint finish_at = std::min(board.finish_at.Get(), end);
  const TimePoint hold_from = std::min(board.hold_from.Get(), finish_at);
  report.open_time = hold_from - impl_->started;
  report.hold_time = finish_at - hold_from;
  report.finish_time = end - finish_at;
  if (over) {
    report.phase = HoldPhase::kDone;
  } else if (now >= board.finish_at.Get()) {
    report.phase = HoldPhase::kFinishing;
  } else if (board.hold_from.IsSet()) {
    report.phase = HoldPhase::kHolding;
  }
  report.cpu = std::chrono::nanoseconds(impl_->cpu_ns.load());
  report.processes = static_cast<int64_t>(impl_->processes.size());
  report.fd_limit = impl_->fd_limit;
  report.dead_processes = impl_->dead;
  report.cancelled = impl_->cancelled;
  return report;
}

void HoldRun::Cancel() {
  // What is being finished already goes on.
  if (Clock::now() >= impl_->board->finish_at.Get()) return;
  impl_->cancelled = true;
  impl_->board->Cancel();
}

bool HoldRun::WaitFor(std::chrono::nanoseconds timeout) {
  // A longer wait would overflow the clock.
  const std::chrono::nanoseconds bounded = std::min<std::chrono::nanoseconds>(timeout, kLongest);
  const TimePoint deadline = Clock::now() + bounded;
  while (!impl_->Over()) {
    if (!impl_->WaitForOne(deadline)) break;
  }
  return impl_->Over();
}

}  // namespace handshake::client

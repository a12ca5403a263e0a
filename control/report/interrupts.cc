#include "control/report/interrupts.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace handshake::report {

Interrupts::Interrupts() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  if (signal_fd_ < 0 || stop_fd_ < 0) std::abort();  // no file descriptors at the start of main()
  thread_ = std::thread([this] { Watch(); });
}

Interrupts::~Interrupts() {
  const uint64_t one = 1;
  (void)!write(stop_fd_, &one, sizeof(one));
  thread_.join();
  close(signal_fd_);
  close(stop_fd_);
}

void Interrupts::Watch() {
  while (true) {
    pollfd fds[] = {{signal_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (read(signal_fd_, &info, sizeof(info)) != sizeof(info)) continue;
    if (happened()) _exit(kExitInterrupted);
    std::lock_guard running(action_mutex_);
    {
      std::lock_guard lock(mutex_);
      happened_ = true;
    }
    changed_.notify_all();
    if (action_) std::exchange(action_, nullptr)();
  }
}

bool Interrupts::happened() const {
  std::lock_guard lock(mutex_);
  return happened_;
}

bool Interrupts::WaitFor(std::chrono::nanoseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return happened_; });
}

void Interrupts::Wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return happened_; });
}

Interrupts::Action::Action(Interrupts& interrupts, std::function<void()> action)
    : interrupts_(interrupts) {
  std::lock_guard running(interrupts_.action_mutex_);
  if (interrupts_.happened()) {
    action();
  } else {
    interrupts_.action_ = std::move(action);
  }
}

Interrupts::Action::~Action() {
  std::lock_guard running(interrupts_.action_mutex_);
  interrupts_.action_ = nullptr;
}

}  // namespace handshake::report

#include "server/door/cpu_meter.h"

#include <pthread.h>

namespace handshake::server {
namespace {

int64_t Nanoseconds(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

CpuMeter::Scope::Scope(CpuMeter& meter, Mode mode) : meter_(meter), mode_(mode) {
  clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
  pthread_getcpuclockid(pthread_self(), &clock);
  const std::lock_guard lock(meter_.mutex_);
  std::list<clockid_t>& running = meter_.modes_[static_cast<size_t>(mode)].running;
  clock_ = running.insert(running.end(), clock);
}

CpuMeter::Scope::~Scope() {
  const std::lock_guard lock(meter_.mutex_);
  OfMode& of_mode = meter_.modes_[static_cast<size_t>(mode_)];
  of_mode.running.erase(clock_);
  of_mode.ended_ns.fetch_add(Nanoseconds(CLOCK_THREAD_CPUTIME_ID), std::memory_order_relaxed);
}

void CpuMeter::AddThisThread(Mode mode) {
  modes_[static_cast<size_t>(mode)].ended_ns.fetch_add(Nanoseconds(CLOCK_THREAD_CPUTIME_ID),
                                                       std::memory_order_relaxed);
}

std::chrono::nanoseconds CpuMeter::Read(Mode mode) const {
  const std::lock_guard lock(mutex_);
  const OfMode& of_mode = modes_[static_cast<size_t>(mode)];
  int64_t total = of_mode.ended_ns.load(std::memory_order_relaxed);
  for (const clockid_t clock : of_mode.running) total += Nanoseconds(clock);
  return std::chrono::nanoseconds(total);
}

}  // namespace handshake::server

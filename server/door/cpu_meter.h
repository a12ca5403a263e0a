// The CPU time that the engines' threads have used, by mode.
#ifndef HANDSHAKE_SERVER_DOOR_CPU_METER_H_
#define HANDSHAKE_SERVER_DOOR_CPU_METER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <list>
#include <mutex>

#include "server/door/mode.h"

namespace handshake::server {

// Any thread.
class CpuMeter {
 public:
  // Meters the thread that constructs it until it is destroyed, on the same thread; its time so far
  // is part of every Read().
  class Scope {
   public:
    Scope(CpuMeter& meter, Mode mode);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    CpuMeter& meter_;
    const Mode mode_;
    std::list<clockid_t>::iterator clock_;
  };

  // For short-lived threads: adds all that the calling thread has used, once, at its end.
  void AddThisThread(Mode mode);

  std::chrono::nanoseconds Read(Mode mode) const;

 private:
  struct OfMode {
    std::atomic<int64_t> ended_ns{0};
    std::list<clockid_t> running;  // guarded by mutex_
  };
  mutable std::mutex mutex_;
  std::array<OfMode, kModeCount> modes_;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_CPU_METER_H_

// Rates over the last second.
#ifndef HANDSHAKE_SERVER_RATE_METER_H_
#define HANDSHAKE_SERVER_RATE_METER_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "common/wire/session.h"
#include "server/door/ledger.h"

namespace handshake::server {

// Looks at the ledger's totals every kTick, on a thread of its own. Borrows the ledger.
class RateMeter {
 public:
  static constexpr std::chrono::milliseconds kTick{100};
  static constexpr std::chrono::milliseconds kWindow{1'000};

  explicit RateMeter(const Ledger& ledger) : ledger_(ledger) {}
  ~RateMeter();
  absl::Status Start();

  struct Rates {
    double accepted = 0;  // per second
    double completed = 0;
    double failed = 0;
  };
  Rates Read() const;  // any thread

 private:
  struct Sample {
    wire::TimePoint at;
    Ledger::Totals totals;
  };
  void Run();

  const Ledger& ledger_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable stopped_;
  std::deque<Sample> samples_;  // the window, oldest first
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_RATE_METER_H_

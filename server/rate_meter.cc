#include "server/rate_meter.h"

#include <sys/prctl.h>

#include <system_error>

#include "server/engines/engine_threads.h"

namespace handshake::server {

RateMeter::~RateMeter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stopped_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status RateMeter::Start() {
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return ThreadShortage(error.code().value());
  }
  return absl::OkStatus();
}

RateMeter::Rates RateMeter::Read() const {
  const std::lock_guard lock(mutex_);
  if (samples_.size() < 2) return {};
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  const auto rate = [&](int64_t before, int64_t after) {
    return static_cast<double>(after - before) / seconds;
  };
  return {.accepted = rate(first.totals.accepted, last.totals.accepted),
          .completed = rate(first.totals.completed, last.totals.completed),
          .failed = rate(first.totals.failed, last.totals.failed)};
}

void RateMeter::Run() {
  prctl(PR_SET_NAME, "rates");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Sample sample = {.at = wire::Clock::now(), .totals = ledger_.ReadTotals()};
    samples_.push_back(sample);
    while (sample.at - samples_.front().at > kWindow + kTick / 2) samples_.pop_front();
    stopped_.wait_until(lock, sample.at + kTick, [this] { return stopping_; });
  }
}

}  // namespace handshake::server

#include "client/load_tally.h"

namespace handshake::client {
namespace {

int64_t Microseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

void LoadTally::RecordOk(std::chrono::nanoseconds handshake, std::chrono::nanoseconds connect) {
  handshake_.Record(Microseconds(handshake));
  connect_.Record(Microseconds(connect));
}

void LoadTally::AddTo(LoadReport& report) const {
  int64_t ended = 0;
  for (size_t i = 0; i < ended_.size(); ++i) {
    const int64_t count = ended_[i].load(std::memory_order_acquire);
    report.ended[i] += count;
    ended += count;
  }
  // Read last: every handshake that was seen to end is seen to have started.
  const int64_t started = started_.load(std::memory_order_acquire);
  report.started += started;
  report.in_flight += started - ended;
  handshake_.MergeInto(report.handshake);
  connect_.MergeInto(report.connect);
}

}  // namespace handshake::client

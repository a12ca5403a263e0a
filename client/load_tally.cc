#include "client/load_tally.h"

namespace handshake::client {
namespace {

int64_t Microseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

void LoadTally::RecordOk(const HandshakeTimes& times) {
  handshake_.Record(Microseconds(times.handshake));
  connect_.Record(Microseconds(times.connect));
  reply_.Record(Microseconds(times.reply));
  close_.Record(Microseconds(times.close));
}

void LoadTally::RecordIntended(std::chrono::nanoseconds whole) {
  intended_.Record(Microseconds(whole));
}

void LoadTally::RecordSendLag(std::chrono::nanoseconds lag) { send_lag_.Record(Microseconds(lag)); }

void LoadTally::AddTo(LoadReport& report) const {
  int64_t ended = 0;
  for (size_t i = 0; i < ended_.size(); ++i) {
    const int64_t count = ended_[i].load(std::memory_order_acquire);
    report.ended[i] += count;
    ended += count;
  }
  // Read later: every handshake that was seen to end is seen to have started, and to be planned.
  const int64_t started = started_.load(std::memory_order_acquire);
  report.started += started;
  report.in_flight += started - ended;
  report.dropped += dropped_.load(std::memory_order_acquire);
  report.planned += planned_.load(std::memory_order_acquire);
  intended_.MergeInto(report.intended);
  send_lag_.MergeInto(report.send_lag);
  handshake_.MergeInto(report.handshake);
  connect_.MergeInto(report.connect);
  reply_.MergeInto(report.reply);
  close_.MergeInto(report.close);
}

}  // namespace handshake::client

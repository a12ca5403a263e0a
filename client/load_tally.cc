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

Outcomes LoadTally::AtomicOutcomes::Read() const {
  Outcomes outcomes;
  int64_t sum = 0;
  for (size_t i = 0; i < ended.size(); ++i) {
    outcomes.ended[i] = ended[i].load(std::memory_order_acquire);
    sum += outcomes.ended[i];
  }
  // Read later: every handshake that was seen to end is seen to have started.
  outcomes.started = started.load(std::memory_order_acquire);
  outcomes.in_flight = outcomes.started - sum;
  return outcomes;
}

void LoadTally::AddTo(Vitals& vitals) const {
  for (const Outcomes& outcomes : {counted_.Read(), left_out_.Read()}) {
    const int64_t ended = outcomes.started - outcomes.in_flight;
    vitals.begun += outcomes.started;
    vitals.ended += ended;
    vitals.failed += ended - outcomes.ended[static_cast<size_t>(wire::Verdict::kOk)];
  }
  vitals.answered += answered_.load(std::memory_order_acquire);
}

void LoadTally::AddTo(LoadReport& report) const {
  const Outcomes counted = counted_.Read();
  for (size_t i = 0; i < counted.ended.size(); ++i) report.ended[i] += counted.ended[i];
  report.started += counted.started;
  report.in_flight += counted.in_flight;
  report.left_out.Add(left_out_.Read());
  // Read later: every handshake that was seen to have started is seen to be planned.
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

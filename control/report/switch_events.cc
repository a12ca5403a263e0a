#include "control/report/switch_events.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "control/report/humane.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

constexpr int kMostEvents = 1'000;  // as LoadRun.events says

// "mode switch epoll -> thread-pool", "mode switch epoll -> epoll, 2 workers".
std::string TextOf(const v1::ModeSwitch& change) {
  std::string text =
      absl::StrFormat("mode switch %s -> %s", ModeName(change.from()), ModeName(change.to()));
  if (change.from() == change.to()) {
    absl::StrAppendFormat(&text, ", %d worker%s", change.worker_count(),
                          change.worker_count() == 1 ? "" : "s");
  }
  return text;
}

// Whatever a server answers: times that are far apart, or none.
google::protobuf::Duration Between(const google::protobuf::Timestamp& from,
                                   const google::protobuf::Timestamp& to) {
  constexpr int32_t kSecond = 1'000'000'000;
  const int64_t nanos = int64_t{to.nanos()} - from.nanos();
  google::protobuf::Duration span;
  span.set_seconds(Less(Less(to.seconds(), from.seconds()), nanos < 0 ? 1 : 0));
  span.set_nanos(static_cast<int32_t>(nanos < 0 ? nanos + kSecond : nanos));
  return span;
}

bool Earlier(const v1::LoadRunEvent& a, const v1::LoadRunEvent& b) {
  return ToSeconds(a.elapsed()) < ToSeconds(b.elapsed());
}

}  // namespace

void AddSwitchEvents(const v1::ListModeSwitchesResponse& switches, int64_t generation,
                     v1::LoadRun& run) {
  auto& events = *run.mutable_events();
  // Newest first, as they are answered.
  for (auto change = switches.mode_switches().rbegin(); change != switches.mode_switches().rend();
       ++change) {
    if (change->generation() <= generation) continue;
    const google::protobuf::Duration elapsed = Between(run.start_time(), change->request_time());
    if (ToSeconds(elapsed) < 0 || ToSeconds(elapsed) > ToSeconds(run.elapsed())) continue;
    v1::LoadRunEvent& event = *events.Add();
    *event.mutable_elapsed() = elapsed;
    event.set_text(TextOf(*change));
    event.set_mode(change->to());
    run.set_event_count(Sum(run.event_count(), 1));
  }
  std::stable_sort(events.begin(), events.end(), Earlier);
  if (events.size() > kMostEvents) {
    events.DeleteSubrange(kMostEvents, events.size() - kMostEvents);
  }
}

}  // namespace handshake::report

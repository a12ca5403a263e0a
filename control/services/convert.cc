#include "control/services/convert.h"

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/stats/clock_identity.h"
#include "common/text/duration.h"
#include "common/wire/limits.h"
#include "control/report/histograms.h"
#include "control/report/json.h"
#include "control/rpc/limits.h"
#include "control/services/load_spec.h"
#include "google/protobuf/util/time_util.h"

namespace handshake::control {
namespace {

using google::protobuf::util::TimeUtil;

// Indexed by our enums.
constexpr std::array<v1::Mode, server::kModeCount> kModes = {
    v1::MODE_SEQUENTIAL,  v1::MODE_THREAD_PER_CONNECTION,
    v1::MODE_THREAD_POOL, v1::MODE_EPOLL,
    v1::MODE_COROUTINE,   v1::MODE_IO_URING};
constexpr std::array<v1::Framing, 3> kFramings = {v1::FRAMING_AUTO, v1::FRAMING_LINE,
                                                  v1::FRAMING_BARE};
// The numbers of a verdict are part of the contract: both enums share them (convert_test checks).
static_assert(v1::Verdict_ARRAYSIZE == wire::kVerdictCount);

// google.protobuf.Duration reaches 10,000 years; what nobody can mean is cut before arithmetic.
constexpr int64_t kMaxSeconds = 1'000'000'000;

double PerSecond(int64_t count, std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

v1::HandshakeCounts CountsToProto(const client::Outcomes& from) {
  v1::HandshakeCounts to;
  to.set_started_count(from.started);
  to.set_ok_count(from.ended[static_cast<size_t>(wire::Verdict::kOk)]);
  AddFailures(from.ended, *to.mutable_failures());
  for (const v1::VerdictCount& failure : to.failures()) {
    to.set_failed_count(to.failed_count() + failure.count());
  }
  to.set_in_flight_count(from.in_flight);
  return to;
}

v1::ModeSwitch::State StateToProto(server::SwitchRecord::State state) {
  switch (state) {
    case server::SwitchRecord::State::kDraining:
      return v1::ModeSwitch::STATE_DRAINING;
    case server::SwitchRecord::State::kCompleted:
      return v1::ModeSwitch::STATE_COMPLETED;
    case server::SwitchRecord::State::kDryRun:
      return v1::ModeSwitch::STATE_DRY_RUN;
    case server::SwitchRecord::State::kUnchanged:
      return v1::ModeSwitch::STATE_UNCHANGED;
  }
  return v1::ModeSwitch::STATE_UNSPECIFIED;
}

void Fill(server::Mode mode, const server::ModeStats& from, v1::ModeStats& to) {
  to.set_mode(ToProto(mode));
  to.set_accepted_count(from.accepted);
  to.set_completed_count(from.completed());
  to.set_failed_count(from.failed());
  AddFailures(from.ended, *to.mutable_failures());
  to.set_in_flight_count(from.in_flight);
  to.set_held_count(from.held);
  to.set_handed_over_count(from.handed_over);
  to.set_received_bytes(from.bytes_received);
  to.set_sent_bytes(from.bytes_sent);
  *to.mutable_engine_cpu_time() = ToProto(from.engine_cpu);
  *to.mutable_handshake() = ToProto(from.handshake);
  *to.mutable_first_byte() = ToProto(from.first_byte);
  *to.mutable_first_to_last_message() = ToProto(from.first_to_last);
}

void Fill(const stats::ProcessUsage& from, v1::ProcessStats& to) {
  *to.mutable_cpu_time() = ToProto(from.cpu);
  to.set_resident_bytes(from.resident_bytes);
  to.set_thread_count(from.thread_count);
  to.set_open_fd_count(from.open_fd_count);
  to.set_fd_limit(from.fd_limit);
}

void Fill(const server::ListenerStats& from, v1::ListenerStats& to) {
  to.set_address(from.address);
  to.set_protocol(from.protocol);
  to.set_framing(FramingByName(from.framing));
  to.set_accept_queue_count(from.accept_queue);
  to.set_accept_queue_limit(from.accept_queue_limit);
  to.set_dropped_count(from.dropped);
  to.set_accepted_count(from.ledger.accepted);
  to.set_completed_count(from.ledger.completed());
  to.set_failed_count(from.ledger.failed());
  AddFailures(from.ledger.ended, *to.mutable_failures());
  to.set_in_flight_count(from.ledger.in_flight);
  to.set_message_count(from.ledger.messages);
  to.set_received_bytes(from.ledger.bytes_received);
  to.set_sent_bytes(from.ledger.bytes_sent);
}

void Fill(const wire::HandshakeOptions& from, v1::Listener& to) {
  *to.mutable_step_timeout() = ToProto(from.step_timeout);
  *to.mutable_handshake_timeout() = ToProto(from.handshake_timeout);
  *to.mutable_bare_grace_time() = ToProto(from.bare_grace);
  to.set_max_message_bytes(wire::kMaxMessageBytes);
}

void Fill(const wire::ConversationOptions& from, v1::Listener& to) {
  *to.mutable_idle_timeout() = ToProto(from.idle_timeout);
  *to.mutable_message_timeout() = ToProto(from.message_timeout);
  *to.mutable_write_timeout() = ToProto(from.write_timeout);
  to.set_max_message_bytes(wire::kMostConversationBytes);
}

void Fill(const wire::LinesOptions& from, v1::Listener& to) {
  Fill(static_cast<const wire::ConversationOptions&>(from), to);
  *to.mutable_ping_idle_time() = ToProto(from.ping_interval);
}

void Fill(const client::LoadPoint& from, v1::LoadPoint& to) {
  *to.mutable_elapsed() = ToProto(from.start);
  *to.mutable_duration() = ToProto(from.length);
  to.set_planned_count(from.planned);
  to.set_started_count(from.started);
  to.set_ok_count(from.ok);
  to.set_dropped_count(from.dropped);
  to.set_in_flight_count(from.in_flight);
  for (const auto& [verdict, count] : from.failures) {
    v1::VerdictCount& failure = *to.add_failures();
    failure.set_verdict(ToProto(verdict));
    failure.set_count(count);
    to.set_failed_count(to.failed_count() + count);
  }
  stats::Histogram latency(from.latency.layout());
  from.latency.MergeInto(latency);
  *to.mutable_latency() = ToProto(latency);
  *to.mutable_latency_histogram() = report::ToProto(latency);
}

}  // namespace

v1::Framing FramingByName(std::string_view name) {
  for (size_t i = 0; i < kFramings.size(); ++i) {
    if (wire::FramingName(static_cast<wire::Framing>(i)) == name) return kFramings[i];
  }
  return v1::FRAMING_UNSPECIFIED;
}

v1::Listener ToProto(const server::ListenerStats& stats, const server::ProtocolOptions& protocol) {
  v1::Listener to;
  Fill(stats, *to.mutable_stats());
  std::visit([&to](const auto& options) { Fill(options, to); }, protocol);
  return to;
}

v1::Mode ToProto(server::Mode mode) { return kModes[static_cast<size_t>(mode)]; }

std::optional<server::Mode> FromProto(v1::Mode mode) {
  for (server::Mode candidate : server::kModes) {
    if (ToProto(candidate) == mode) return candidate;
  }
  return std::nullopt;
}

v1::Framing ToProto(wire::Framing framing) { return kFramings[static_cast<size_t>(framing)]; }

std::optional<wire::Framing> FromProto(v1::Framing framing) {
  for (size_t i = 0; i < kFramings.size(); ++i) {
    if (kFramings[i] == framing) return static_cast<wire::Framing>(i);
  }
  return std::nullopt;
}

v1::Verdict ToProto(wire::Verdict verdict) { return static_cast<v1::Verdict>(verdict); }

google::protobuf::Duration ToProto(std::chrono::nanoseconds duration) {
  return TimeUtil::NanosecondsToDuration(duration.count());
}

google::protobuf::Timestamp ToProto(std::chrono::system_clock::time_point time) {
  return TimeUtil::NanosecondsToTimestamp(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

absl::StatusOr<std::chrono::nanoseconds> FromProto(const google::protobuf::Duration& duration,
                                                   std::string_view field,
                                                   std::chrono::nanoseconds least,
                                                   std::chrono::nanoseconds most) {
  const bool representable = duration.seconds() >= -kMaxSeconds &&
                             duration.seconds() <= kMaxSeconds &&
                             duration.nanos() > -1'000'000'000 && duration.nanos() < 1'000'000'000;
  const std::chrono::nanoseconds value =
      representable
          ? std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos())
          : std::chrono::nanoseconds::min();
  if (value < least || value > most) {
    return absl::InvalidArgumentError(absl::StrFormat("%s must be from %s to %s", field,
                                                      text::FormatDuration(least),
                                                      text::FormatDuration(most)));
  }
  return value;
}

v1::Latency ToProto(const stats::Histogram& histogram) { return report::ToLatency(histogram); }

void AddFailures(const std::array<int64_t, wire::kVerdictCount>& ended,
                 google::protobuf::RepeatedPtrField<v1::VerdictCount>& to) {
  for (int i = static_cast<int>(wire::Verdict::kOk) + 1; i < wire::kVerdictCount; ++i) {
    if (ended[i] == 0) continue;
    v1::VerdictCount& failure = *to.Add();
    failure.set_verdict(ToProto(static_cast<wire::Verdict>(i)));
    failure.set_count(ended[i]);
  }
}

v1::ModeSwitch ToProto(const server::SwitchRecord& record) {
  v1::ModeSwitch to;
  to.set_id(record.id);
  to.set_state(StateToProto(record.state));
  to.set_from(ToProto(record.from));
  to.set_to(ToProto(record.to));
  to.set_generation(record.generation);
  to.set_request_id(record.request_id);
  to.set_requested_by(record.requested_by);
  *to.mutable_request_time() = ToProto(record.requested_at);
  *to.mutable_prepare_time() = ToProto(record.prepare_time);
  *to.mutable_switch_time() = ToProto(record.switch_time);
  *to.mutable_drain_time() = ToProto(record.drain_time);
  to.set_in_flight_count(record.in_flight);
  to.set_finished_count(record.finished);
  to.set_failed_count(record.failed);
  to.set_handed_over_count(record.handed_over);
  to.set_lost_count(record.lost);
  to.set_worker_count(record.workers);
  return to;
}

v1::Stats ToProto(const server::Snapshot& snapshot) {
  v1::Stats to;
  to.set_sequence(snapshot.sequence);
  *to.mutable_time() = ToProto(snapshot.time);
  *to.mutable_uptime() = ToProto(snapshot.uptime);
  to.set_mode(ToProto(snapshot.mode));
  to.set_generation(snapshot.generation);
  for (server::Mode mode : server::kModes) {
    const server::ModeStats& stats = snapshot.modes[static_cast<size_t>(mode)];
    if (stats.accepted > 0 || mode == snapshot.mode) Fill(mode, stats, *to.add_modes());
  }
  to.set_accepted_per_second(snapshot.accepted_per_second);
  to.set_completed_per_second(snapshot.completed_per_second);
  to.set_failed_per_second(snapshot.failed_per_second);
  to.set_lobby_count(snapshot.lobby_count);
  to.set_draining_engine_count(snapshot.draining_engine_count);
  *to.mutable_orphan_gap() = ToProto(snapshot.orphan_gap);
  Fill(snapshot.process, *to.mutable_process());
  for (const server::ListenerStats& listener : snapshot.listeners) {
    Fill(listener, *to.add_listeners());
  }
  to.set_listen_overflow_count(snapshot.listen_counters.overflows);
  to.set_listen_drop_count(snapshot.listen_counters.drops);
  return to;
}

v1::ServerTimeline ToProto(const server::Timeline& timeline) {
  const auto ns = [](wire::TimePoint time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  };
  v1::ServerTimeline to;
  to.set_sequence(timeline.sequence);
  to.set_mode(ToProto(timeline.mode));
  to.set_verdict(ToProto(timeline.verdict));
  to.set_accepted_ns(ns(timeline.accepted));
  if (timeline.picked_up) to.set_picked_up_ns(ns(*timeline.picked_up));
  to.set_first_byte_ns(ns(timeline.first_byte));
  to.set_replied_ns(ns(timeline.replied));
  to.set_ended_ns(ns(timeline.ended));
  return to;
}

v1::LoadRun::Bottleneck ToProto(client::Bottleneck bottleneck) {
  switch (bottleneck) {
    case client::Bottleneck::kNone:
      return v1::LoadRun::BOTTLENECK_NONE;
    case client::Bottleneck::kServer:
      return v1::LoadRun::BOTTLENECK_SERVER;
    case client::Bottleneck::kGenerator:
      return v1::LoadRun::BOTTLENECK_GENERATOR;
    case client::Bottleneck::kUnclear:
      break;
  }
  return v1::LoadRun::BOTTLENECK_UNCLEAR;
}

void FillState(const client::LoadReport& report, std::string_view cancelled, v1::LoadRun& run) {
  if (!report.done) return run.set_state(v1::LoadRun::STATE_RUNNING);
  if (report.cancelled) {
    run.set_state(v1::LoadRun::STATE_CANCELLED);
    return run.set_state_reason(std::string(cancelled));
  }
  if (!report.stopped_by.empty()) run.set_state_reason("stopped early, " + report.stopped_by);
  if (!report.given_up.empty()) run.set_state_reason("given up, " + report.given_up);
  const bool good = report.ok() > 0 && report.failed() == 0 && report.breaches.empty() &&
                    report.stopped_by.empty() && report.given_up.empty();
  run.set_state(good ? v1::LoadRun::STATE_SUCCEEDED : v1::LoadRun::STATE_FAILED);
}

void FillCounts(const client::LoadReport& report, v1::LoadRun& run) {
  run.set_schema_version(std::string(report::kLoadRunSchema));
  *run.mutable_elapsed() = ToProto(report.elapsed);
  run.set_started_count(report.started);
  run.set_ok_count(report.ok());
  run.set_failed_count(report.failed());
  run.clear_failures();
  AddFailures(report.ended, *run.mutable_failures());
  run.set_in_flight_count(report.in_flight);
  run.set_peak_connection_count(report.peak_connections);
  run.set_ok_per_second(PerSecond(report.ok(), report.measured));
  *run.mutable_handshake() = ToProto(report.handshake);
  *run.mutable_connect() = ToProto(report.connect);
  *run.mutable_cpu_time() = ToProto(report.cpu);
  run.set_planned_count(report.planned);
  run.set_dropped_count(report.dropped);
  run.clear_breaches();
  for (const std::string& breach : report.breaches) run.add_breaches(breach);
  run.set_shortfall(report.shortfall);
  run.set_bottleneck(ToProto(report.judgement.bottleneck));
  run.set_bottleneck_reason(report.judgement.why);
  run.set_stolen_cpu_percent(100 * report.stolen_cpu_share);
  run.set_retransmitted_segment_count(report.retransmitted_segments);
  run.set_retransmitted_syn_count(report.retransmitted_syns);
  *run.mutable_reply() = ToProto(report.reply);
  *run.mutable_close() = ToProto(report.close);
  *run.mutable_measured_time() = ToProto(report.measured);
  *run.mutable_left_out() = CountsToProto(report.left_out);
  run.set_rate_per_second(report.rate);
  run.set_concurrency(report.concurrency);
  run.set_paused(report.paused);
  *run.mutable_paused_time() = ToProto(report.paused_time);
  run.clear_events();
  for (const client::RunEvent& event : report.events) {
    v1::LoadRunEvent& to = *run.add_events();
    *to.mutable_elapsed() = ToProto(event.elapsed);
    to.set_text(event.text);
  }
  run.set_event_count(report.event_count);
  run.set_given_up(!report.given_up.empty());
  if (!IsOpenLoop(run.spec())) return;
  *run.mutable_from_intended_start() = ToProto(report.intended);
  *run.mutable_send_lag() = ToProto(report.send_lag);
}

void FillDetail(const client::LoadReport& report, const client::LoadSeries& series,
                v1::LoadRun& run) {
  size_t point_histogram_bytes = 0;
  for (const client::LoadPoint& point : series.points()) {
    Fill(point, *run.add_points());
    point_histogram_bytes += run.points().rbegin()->latency_histogram().ByteSizeLong();
  }
  if (point_histogram_bytes > kMaxPointHistogramBytes) {
    for (v1::LoadPoint& point : *run.mutable_points()) point.clear_latency_histogram();
  }
  v1::LoadHistograms& histograms = *run.mutable_histograms();
  *histograms.mutable_handshake() = report::ToProto(report.handshake);
  *histograms.mutable_connect() = report::ToProto(report.connect);
  *histograms.mutable_reply() = report::ToProto(report.reply);
  *histograms.mutable_close() = report::ToProto(report.close);
  if (!IsOpenLoop(run.spec())) return;
  *histograms.mutable_from_intended_start() = report::ToProto(report.intended);
  *histograms.mutable_send_lag() = report::ToProto(report.send_lag);
}

v1::ClientTimelines SamplesOf(const client::LoadRun& run) {
  const auto ns = [](wire::TimePoint time) {
    return std::chrono::nanoseconds(time.time_since_epoch()).count();
  };
  v1::ClientTimelines to;
  to.set_clock_id(stats::MonotonicClockIdentity());
  to.set_run_start_ns(ns(run.started()));
  for (const client::HandshakeSample& sample : run.Samples()) {
    if (to.timelines_size() == run.spec().samples) break;  // each thread keeps so many
    v1::ClientTimeline& timeline = *to.add_timelines();
    timeline.set_sequence(sample.sequence);
    timeline.set_begin_ns(ns(sample.intended));
    timeline.set_started_ns(ns(sample.started));
    timeline.set_connected_ns(ns(sample.established));
    timeline.set_reply_read_ns(ns(sample.replied));
    timeline.set_ended_ns(ns(sample.ended));
  }
  return to;
}

void FillCounts(const client::HoldReport& report, v1::HoldRun& run) {
  using client::HoldPhase;
  run.set_process_count(report.processes);
  run.set_fd_limit(report.fd_limit);
  run.set_opened_count(report.opened);
  run.set_held_count(report.held());
  run.set_lost_count(report.lost);
  run.set_finished_count(report.finished());
  run.set_failed_count(report.failed());
  run.set_untried_count(report.untried);
  run.clear_failures();
  AddFailures(report.ended, *run.mutable_failures());
  *run.mutable_open_time() = ToProto(report.open_time);
  run.set_opened_per_second(PerSecond(report.opened, report.open_time));
  if (report.phase >= HoldPhase::kHolding) *run.mutable_hold_time() = ToProto(report.hold_time);
  if (report.phase >= HoldPhase::kFinishing) {
    *run.mutable_finish_time() = ToProto(report.finish_time);
    run.set_finished_per_second(PerSecond(report.finished(), report.finish_time));
  }
  *run.mutable_cpu_time() = ToProto(report.cpu);
}

}  // namespace handshake::control

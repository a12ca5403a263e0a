#include "control/report/listeners_report.h"

#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "control/report/humane.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

Cell Concern(int64_t count, Tone tone) { return {Count(count), count == 0 ? Tone::kPlain : tone}; }

// "handshake, auto"; "lines".
std::string Protocol(const v1::ListenerStats& listener) {
  if (listener.framing() == v1::FRAMING_UNSPECIFIED) return listener.protocol();
  return listener.protocol() + ", " + FramingName(listener.framing());
}

std::string Deadlines(const v1::Listener& listener) {
  std::vector<std::string> deadlines;
  const auto add = [&deadlines](bool has, const char* name, const auto& duration) {
    if (has) deadlines.push_back(absl::StrFormat("%s %s", name, Span(duration)));
  };
  add(listener.has_step_timeout(), "step", listener.step_timeout());
  add(listener.has_handshake_timeout(), "handshake", listener.handshake_timeout());
  add(listener.has_bare_grace_time(), "bare grace", listener.bare_grace_time());
  add(listener.has_message_timeout(), "message", listener.message_timeout());
  add(listener.has_write_timeout(), "write", listener.write_timeout());
  const bool pings = ToSeconds(listener.ping_idle_time()) > 0;
  add(pings, "ping after", listener.ping_idle_time());
  add(listener.has_idle_timeout() && !pings, "idle", listener.idle_timeout());
  return absl::StrJoin(deadlines, ", ");
}

}  // namespace

std::string ListenersTable(const google::protobuf::RepeatedPtrField<v1::ListenerStats>& listeners,
                           Style style) {
  Table table({{"LISTENER", Kind::kText},
               {"PROTOCOL", Kind::kText},
               {"ACCEPTED", Kind::kNumber},
               {"COMPLETED", Kind::kNumber},
               {"FAILED", Kind::kNumber},
               {"IN FLIGHT", Kind::kNumber},
               {"MESSAGES", Kind::kNumber},
               {"QUEUED", Kind::kNumber},
               {"DROPPED", Kind::kNumber}});
  for (const v1::ListenerStats& listener : listeners) {
    table.Add({listener.address(), Protocol(listener), Count(listener.accepted_count()),
               Count(listener.completed_count()), Concern(listener.failed_count(), Tone::kWarning),
               Count(listener.in_flight_count()), Count(listener.message_count()),
               Count(listener.accept_queue_count()),
               Concern(listener.dropped_count(), Tone::kBad)});
  }
  return table.Render(style);
}

std::string ListenersPage(const v1::ListListenersResponse& response, Style style) {
  google::protobuf::RepeatedPtrField<v1::ListenerStats> stats;
  Table limits({{"LISTENER", Kind::kText},
                {"LONGEST\nMESSAGE", Kind::kNumber},
                {"QUEUE\nLIMIT", Kind::kNumber},
                {"DEADLINES", Kind::kProse}});
  Table failures({{"FAILED AT", Kind::kText},
                  {"COUNT", Kind::kNumber},
                  {"REASON", Kind::kText},
                  {"MEANING", Kind::kProse}});
  for (const v1::Listener& listener : response.listeners()) {
    *stats.Add() = listener.stats();
    limits.Add({listener.stats().address(), Bytes(listener.max_message_bytes()),
                Count(listener.stats().accept_queue_limit()), Deadlines(listener)});
    for (const v1::VerdictCount& failure : listener.stats().failures()) {
      failures.Add({listener.stats().address(), Concern(failure.count(), Tone::kWarning),
                    VerdictName(failure.verdict()), VerdictText(failure.verdict())});
    }
  }
  const std::string failed = failures.empty() ? std::string() : "\n" + failures.Render(style);
  return ListenersTable(stats, style) + failed + "\n" + limits.Render(style);
}

}  // namespace handshake::report

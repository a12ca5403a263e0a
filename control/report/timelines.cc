#include "control/report/timelines.h"

#include <algorithm>
#include <array>
#include <map>

#include "absl/strings/str_format.h"
#include "control/report/humane.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

constexpr size_t kSegments = 9;
constexpr std::array<const char*, kSegments> kNames = {"send lag", "connect",    "accept wait",
                                                       "pick-up",  "first byte", "service",
                                                       "reply",    "confirm",    "close"};

constexpr int64_t kBarWidth = 30;  // columns of the slowest sample's picture

// The ends of the segments, since the begin; none before the one before it.
std::array<int64_t, kSegments> EndsOf(const v1::HandshakeTimeline& timeline) {
  std::array<int64_t, kSegments> ends = {
      timeline.started_ns(),    timeline.connected_ns(),    timeline.accepted_ns(),
      timeline.picked_up_ns(),  timeline.first_byte_ns(),   timeline.replied_ns(),
      timeline.reply_read_ns(), timeline.server_ended_ns(), timeline.ended_ns()};
  int64_t latest = 0;
  for (int64_t& end : ends) {
    latest = std::max(latest, end);
    end = latest;
  }
  return ends;
}

std::array<int64_t, kSegments> LengthsOf(const v1::HandshakeTimeline& timeline) {
  std::array<int64_t, kSegments> lengths = EndsOf(timeline);
  for (size_t i = kSegments - 1; i > 0; --i) lengths[i] -= lengths[i - 1];
  return lengths;
}

int64_t WholeOf(const v1::HandshakeTimeline& timeline) { return EndsOf(timeline).back(); }

// Nearest rank, of at least one.
int64_t AtPercent(const std::vector<int64_t>& sorted, size_t percent) {
  const size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<size_t>(rank, 1) - 1];
}

void AddSegment(const char* name, std::vector<int64_t> lengths, v1::LoadTimelines& to) {
  std::sort(lengths.begin(), lengths.end());
  v1::TimelineSegment& segment = *to.add_segments();
  segment.set_name(name);
  segment.set_p50_ns(AtPercent(lengths, 50));
  segment.set_p99_ns(AtPercent(lengths, 99));
  segment.set_max_ns(lengths.back());
}

void AddSegments(v1::LoadTimelines& to) {
  if (to.timelines().empty()) return;
  std::array<std::vector<int64_t>, kSegments> lengths;
  std::vector<int64_t> wholes;
  for (const v1::HandshakeTimeline& timeline : to.timelines()) {
    const std::array<int64_t, kSegments> one = LengthsOf(timeline);
    for (size_t i = 0; i < kSegments; ++i) lengths[i].push_back(one[i]);
    wholes.push_back(WholeOf(timeline));
  }
  for (size_t i = 0; i < kSegments; ++i) AddSegment(kNames[i], lengths[i], to);
  AddSegment("whole", wholes, to);
}

bool Fits(const v1::ClientTimeline& client, const v1::ServerTimeline& server) {
  return server.verdict() == v1::VERDICT_OK && server.accepted_ns() >= client.started_ns() &&
         server.ended_ns() <= client.ended_ns();
}

v1::HandshakeTimeline Joined(const v1::ClientTimeline& client, const v1::ServerTimeline& server,
                             int64_t run_start_ns) {
  const auto since = [&](int64_t ns) { return Less(ns, client.begin_ns()); };
  const bool picked_up = server.picked_up_ns() != 0;
  v1::HandshakeTimeline to;
  to.set_sequence(client.sequence());
  to.set_mode(server.mode());
  to.set_begin_ns(Less(client.begin_ns(), run_start_ns));
  to.set_started_ns(since(client.started_ns()));
  to.set_connected_ns(since(client.connected_ns()));
  to.set_accepted_ns(since(server.accepted_ns()));
  to.set_picked_up_ns(since(picked_up ? server.picked_up_ns() : server.first_byte_ns()));
  to.set_first_byte_ns(since(server.first_byte_ns()));
  to.set_replied_ns(since(server.replied_ns()));
  to.set_reply_read_ns(since(client.reply_read_ns()));
  to.set_server_ended_ns(since(server.ended_ns()));
  to.set_ended_ns(since(client.ended_ns()));
  return to;
}

// Where in `whole` a segment lies: "   ====", at least one sign.
std::string Bar(int64_t from, int64_t to, int64_t whole) {
  const double scale =
      static_cast<double>(kBarWidth) / static_cast<double>(std::max<int64_t>(whole, 1));
  const auto at = [&](int64_t ns) {
    return std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(ns) * scale), 0, kBarWidth);
  };
  if (to <= from) return "";
  const int64_t begin = std::min(at(from), kBarWidth - 1);
  const int64_t length = std::max<int64_t>(at(to) - begin, 1);
  return std::string(static_cast<size_t>(begin), ' ') +
         std::string(static_cast<size_t>(length), '=');
}

std::string Us(int64_t ns) { return MillisecondsUs(static_cast<double>(ns) / 1e3); }

}  // namespace

v1::LoadTimelines JoinTimelines(const v1::ClientTimelines& client,
                                const v1::CollectTimelinesResponse& server) {
  std::multimap<int64_t, const v1::ServerTimeline*> by_sequence;
  for (const v1::ServerTimeline& timeline : server.timelines()) {
    by_sequence.emplace(timeline.sequence(), &timeline);
  }
  v1::LoadTimelines to;
  to.set_client_count(client.timelines_size());
  to.set_server_count(server.timelines_size());
  for (const v1::ClientTimeline& stamps : client.timelines()) {
    const v1::ServerTimeline* match = nullptr;
    int fitting = 0;
    const auto [begin, end] = by_sequence.equal_range(stamps.sequence());
    for (auto it = begin; it != end; ++it) {
      if (!Fits(stamps, *it->second)) continue;
      match = it->second;
      ++fitting;
    }
    if (fitting == 1) *to.add_timelines() = Joined(stamps, *match, client.run_start_ns());
  }
  AddSegments(to);
  if (to.timelines().empty()) {
    to.set_missing_reason(absl::StrFormat("no sample is at both ends: %s here, %s at the server",
                                          Count(to.client_count()), Count(to.server_count())));
  }
  return to;
}

int64_t SampleStride(int64_t samples, double planned) {
  constexpr double kMany = 1e15;
  const double stride = std::min(planned, kMany) / static_cast<double>(samples);
  return std::max<int64_t>(static_cast<int64_t>(stride), 1);
}

std::string TimelinesTable(const v1::LoadTimelines& timelines, Style style) {
  if (!timelines.missing_reason().empty()) {
    Table why = Facts();
    why.Add({"no timelines", Cell(Printable(timelines.missing_reason()), Tone::kWarning)});
    return "\n" + why.Render(style);
  }
  const auto slowest =
      std::max_element(timelines.timelines().begin(), timelines.timelines().end(),
                       [](const auto& a, const auto& b) { return WholeOf(a) < WholeOf(b); });
  if (slowest == timelines.timelines().end()) return "";
  const std::array<int64_t, kSegments> ends = EndsOf(*slowest);
  Table table(
      {{"TIMELINES ms", Kind::kText},
       {"P50", Kind::kNumber},
       {"P99", Kind::kNumber},
       {"MAX", Kind::kNumber},
       {"SLOWEST", Kind::kNumber},
       {absl::StrFormat("X %d, %s", slowest->sequence(), ModeName(slowest->mode())), Kind::kText}});
  for (int i = 0; i < timelines.segments_size(); ++i) {
    const v1::TimelineSegment& segment = timelines.segments(i);
    const auto at = static_cast<size_t>(i);
    const bool whole = at >= kSegments;
    const int64_t from = whole || at == 0 ? 0 : ends[at - 1];
    const int64_t to = whole ? ends.back() : ends[at];
    table.Add({Printable(segment.name()), Us(segment.p50_ns()), Us(segment.p99_ns()),
               Us(segment.max_ns()), Us(to - from), Bar(from, to, ends.back())});
  }
  return "\n" + table.Render(style) +
         absl::StrFormat("%s handshakes, those whose X is a multiple of %s\n",
                         Count(timelines.timelines_size()), Count(timelines.sequence_stride()));
}

}  // namespace handshake::report

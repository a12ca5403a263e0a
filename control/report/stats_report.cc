#include "control/report/stats_report.h"

#include <limits>

#include "absl/strings/str_format.h"
#include "control/report/humane.h"
#include "control/report/listeners_report.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

constexpr int kRowsPerHeader = 20;
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

Cell Concern(int64_t count, Tone tone = Tone::kWarning) {
  return {Count(count), count == 0 ? Tone::kPlain : tone};
}

// Columns of a latency in milliseconds; "-" if nothing was measured.
void AddLatency(std::vector<Cell>& row, const v1::Latency& latency) {
  const bool any = latency.count() > 0;
  row.push_back(Count(latency.count()));
  for (double us :
       {latency.mean_us(), static_cast<double>(latency.p50_us()),
        static_cast<double>(latency.p90_us()), static_cast<double>(latency.p99_us()),
        static_cast<double>(latency.p999_us()), static_cast<double>(latency.max_us())}) {
    row.push_back(any ? MillisecondsUs(us) : std::string(kNothing));
  }
}

std::string Overview(const v1::Stats& stats, Style style) {
  int64_t received = 0;
  int64_t sent = 0;
  for (const v1::ModeStats& mode : stats.modes()) {
    received = Sum(received, mode.received_bytes());
    sent = Sum(sent, mode.sent_bytes());
  }
  const v1::ProcessStats& process = stats.process();
  Table facts = Facts();
  facts.Add({"mode", absl::StrFormat("%s, generation %s", ModeName(stats.mode()),
                                     Count(stats.generation()))});
  facts.Add({"up", absl::StrFormat("%s at %s", Span(stats.uptime()), DateTime(stats.time()))});
  facts.Add(
      {"last second",
       absl::StrFormat("%s accepted, %s completed, %s failed", Rate(stats.accepted_per_second()),
                       Rate(stats.completed_per_second()), Rate(stats.failed_per_second()))});
  facts.Add({"traffic", absl::StrFormat("%s received, %s sent", Bytes(received), Bytes(sent))});
  facts.Add(
      {"process", absl::StrFormat("CPU %s, memory %s, %s threads, %s of %s file descriptors",
                                  Span(process.cpu_time()), Bytes(process.resident_bytes()),
                                  Count(process.thread_count()), Count(process.open_fd_count()),
                                  Count(process.fd_limit()))});
  facts.Add(
      {"switching", absl::StrFormat("lobby %s, draining engines %s", Count(stats.lobby_count()),
                                    Count(stats.draining_engine_count()))});
  if (stats.orphan_gap().count() > 0) {
    facts.Add(
        {"orphan gap",
         absl::StrFormat("p99 %s, worst %s, of %s handed over", SpanUs(stats.orphan_gap().p99_us()),
                         SpanUs(stats.orphan_gap().max_us()), Count(stats.orphan_gap().count()))});
  }
  return facts.Render(style);
}

std::string Connections(const v1::Stats& stats, Style style) {
  Table table({{"CONNECTIONS", Kind::kText},
               {"ACCEPTED", Kind::kNumber},
               {"COMPLETED", Kind::kNumber},
               {"FAILED", Kind::kNumber},
               {"IN FLIGHT", Kind::kNumber},
               {"HELD", Kind::kNumber},
               {"HANDED\nOVER", Kind::kNumber},
               {"ENGINE CPU\nus each", Kind::kNumber}});
  for (const v1::ModeStats& mode : stats.modes()) {
    const double cpu_us = ToSeconds(mode.engine_cpu_time()) * 1e6;
    const double each = mode.completed_count() > 0
                            ? cpu_us / static_cast<double>(mode.completed_count())
                            : kNoNumber;
    table.Add({ModeName(mode.mode()), Count(mode.accepted_count()), Count(mode.completed_count()),
               Concern(mode.failed_count()), Count(mode.in_flight_count()),
               Count(mode.held_count()), Count(mode.handed_over_count()), Short(each)});
  }
  return table.Render(style);
}

std::string Latencies(const v1::Stats& stats, Style style) {
  Table table({{"LATENCY ms", Kind::kText},
               {"OF", Kind::kText},
               {"COUNT", Kind::kNumber},
               {"MEAN", Kind::kNumber},
               {"P50", Kind::kNumber},
               {"P90", Kind::kNumber},
               {"P99", Kind::kNumber},
               {"P99.9", Kind::kNumber},
               {"MAX", Kind::kNumber}});
  for (const v1::ModeStats& mode : stats.modes()) {
    if (mode.handshake().count() == 0) continue;
    std::vector<Cell> whole = {ModeName(mode.mode()), "handshake"};
    std::vector<Cell> first = {"", "accept to 1st byte"};
    std::vector<Cell> rest = {"", "1st byte to end"};
    AddLatency(whole, mode.handshake());
    AddLatency(first, mode.first_byte());
    AddLatency(rest, mode.first_to_last_message());
    table.Add(std::move(whole));
    table.Add(std::move(first));
    table.Add(std::move(rest));
  }
  return table.empty() ? std::string() : "\n" + table.Render(style);
}

std::string Failures(const v1::Stats& stats, Style style) {
  Table table({{"FAILED", Kind::kText},
               {"COUNT", Kind::kNumber},
               {"REASON", Kind::kText},
               {"MEANING", Kind::kProse}});
  for (const v1::ModeStats& mode : stats.modes()) {
    for (const v1::VerdictCount& failure : mode.failures()) {
      table.Add({ModeName(mode.mode()), Concern(failure.count()), VerdictName(failure.verdict()),
                 VerdictText(failure.verdict())});
    }
  }
  return table.empty() ? std::string() : "\n" + table.Render(style);
}

std::string Listeners(const v1::Stats& stats, Style style) {
  return "\n" + ListenersTable(stats.listeners(), style) +
         absl::StrFormat("network namespace since boot: %s queue overflows, %s drops\n",
                         Count(stats.listen_overflow_count()), Count(stats.listen_drop_count()));
}

const v1::ModeStats* InForce(const v1::Stats& stats) {
  for (const v1::ModeStats& mode : stats.modes()) {
    if (mode.mode() == stats.mode()) return &mode;
  }
  return nullptr;
}

}  // namespace

std::string StatsPage(const v1::Stats& stats, Style style) {
  return Overview(stats, style) + "\n" + Connections(stats, style) + Latencies(stats, style) +
         Failures(stats, style) + Listeners(stats, style);
}

StatsRows::Before StatsRows::Read(const v1::Stats& stats) {
  Before now = {.cpu_seconds = ToSeconds(stats.process().cpu_time()),
                .uptime_seconds = ToSeconds(stats.uptime()),
                .accepted = 0,
                .completed = 0,
                .failed = 0};
  for (const v1::ModeStats& mode : stats.modes()) {
    now.accepted += static_cast<double>(mode.accepted_count());
    now.completed += static_cast<double>(mode.completed_count());
    now.failed += static_cast<double>(mode.failed_count());
  }
  return now;
}

std::string StatsRows::Next(const v1::Stats& stats) {
  Table table({{"UTC", Kind::kText, 8},
               {"MODE", Kind::kText, 21},
               {"GEN", Kind::kNumber, 5},
               {"ACCEPT\n/s", Kind::kNumber, 6},
               {"DONE\n/s", Kind::kNumber, 5},
               {"FAIL\n/s", Kind::kNumber, 5},
               {"ACTIVE", Kind::kNumber, 6},
               {"LOBBY", Kind::kNumber, 5},
               {"P99\nms", Kind::kNumber, 5},
               {"CPU\n%", Kind::kNumber, 5},
               {"MEMORY\nMiB", Kind::kNumber, 6}});
  int64_t active = 0;
  for (const v1::ModeStats& mode : stats.modes()) active = Sum(active, mode.in_flight_count());
  const v1::ModeStats* in_force = InForce(stats);
  const bool measured = in_force != nullptr && in_force->handshake().count() > 0;
  const Before now = Read(stats);
  const bool has_before = before_ && now.uptime_seconds > before_->uptime_seconds;
  // Per second since the row before; the first row has what the server says of its last second.
  const auto rate = [&](double Before::* count, double otherwise) {
    return has_before
               ? (now.*count - (*before_).*count) / (now.uptime_seconds - before_->uptime_seconds)
               : otherwise;
  };
  const double share = 100 * rate(&Before::cpu_seconds, kNoNumber);
  const double accepted = rate(&Before::accepted, stats.accepted_per_second());
  const double completed = rate(&Before::completed, stats.completed_per_second());
  const double failed = rate(&Before::failed, stats.failed_per_second());
  before_ = now;

  table.Add({TimeOfDay(stats.time()), ModeName(stats.mode()), ShortCount(stats.generation()),
             Short(accepted), Short(completed),
             Cell(Short(failed), failed > 0 ? Tone::kWarning : Tone::kPlain), ShortCount(active),
             ShortCount(stats.lobby_count()),
             measured ? MillisecondsUs(in_force->handshake().p99_us()) : std::string(kNothing),
             Short(share),
             Short(static_cast<double>(stats.process().resident_bytes()) / (1 << 20))});
  const bool header = rows_++ % kRowsPerHeader == 0;
  return header ? table.Render(style_) : table.RenderRows(style_);
}

}  // namespace handshake::report

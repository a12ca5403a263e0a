#include "control/report/compare_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/stats/bootstrap.h"
#include "common/stats/difference.h"
#include "control/report/flags.h"
#include "control/report/histograms.h"
#include "control/report/humane.h"
#include "control/report/load_report.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// --- figures
// --------------------------------------------------------------------------------------

double PerHandshakeUs(const v1::CompareBlock& block) {
  if (block.completed_count() == 0) return kNoNumber;
  return ToSeconds(block.engine_cpu_time()) * 1e6 / static_cast<double>(block.completed_count());
}

double LatencyUs(const v1::CompareBlock& block, int64_t us) {
  return block.latency().count() > 0 ? static_cast<double>(us) : kNoNumber;
}

// What is compared: where its figure stands, and what it is in a block.
struct Metric {
  v1::CompareFigure* (v1::ComparedMode::*figure)();
  double (*in_block)(const v1::CompareBlock& block);
};

const std::array<Metric, 6> kMetrics = {
    {{&v1::ComparedMode::mutable_p50,
      [](const v1::CompareBlock& block) { return LatencyUs(block, block.latency().p50_us()); }},
     {&v1::ComparedMode::mutable_p99,
      [](const v1::CompareBlock& block) { return LatencyUs(block, block.latency().p99_us()); }},
     {&v1::ComparedMode::mutable_rate,
      [](const v1::CompareBlock& block) { return block.ok_per_second(); }},
     {&v1::ComparedMode::mutable_cpu, PerHandshakeUs},
     {&v1::ComparedMode::mutable_memory,
      [](const v1::CompareBlock& block) { return static_cast<double>(block.resident_bytes()); }},
     {&v1::ComparedMode::mutable_threads,
      [](const v1::CompareBlock& block) { return static_cast<double>(block.thread_count()); }}}};

// Of complete rounds, one a round, in the order of the rounds.
std::vector<const v1::CompareBlock*> BlocksOf(const v1::CompareReport& report,
                                              std::string_view name) {
  std::vector<const v1::CompareBlock*> blocks;
  for (const v1::CompareBlock& block : report.blocks()) {
    if (block.name() == name && block.round() <= report.done_round_count()) {
      blocks.push_back(&block);
    }
  }
  return blocks;
}

std::vector<double> Values(const std::vector<const v1::CompareBlock*>& blocks,
                           const Metric& metric) {
  std::vector<double> values;
  for (const v1::CompareBlock* block : blocks) values.push_back(metric.in_block(*block));
  return values;
}

bool AllFinite(const std::vector<double>& values) {
  return !values.empty() && std::all_of(values.begin(), values.end(),
                                        [](double value) { return std::isfinite(value); });
}

bool AllPositive(const std::vector<double>& values) {
  return AllFinite(values) && *std::min_element(values.begin(), values.end()) > 0;
}

void FillMedian(const std::vector<double>& values, const v1::CompareReport& report,
                v1::CompareFigure& figure) {
  if (!AllFinite(values)) return;
  const stats::Estimate median = stats::Bootstrap(values, stats::Median, report.confidence(),
                                                  static_cast<uint64_t>(report.seed()));
  figure.set_value(median.value);
  if (!median.interval) return;
  figure.set_low(median.interval->low);
  figure.set_high(median.interval->high);
}

void FillRatio(const std::vector<double>& values, const std::vector<double>& baseline,
               double confidence, v1::CompareFigure& figure) {
  if (!AllPositive(values) || !AllPositive(baseline) || values.size() != baseline.size()) return;
  const stats::Estimate ratio = stats::PairedRatio(values, baseline, confidence);
  figure.set_ratio(ratio.value);
  figure.set_real(stats::IsReal(ratio, 1));
  if (!ratio.interval) return;
  figure.set_ratio_low(ratio.interval->low);
  figure.set_ratio_high(ratio.interval->high);
}

// --- a block
// --------------------------------------------------------------------------------------

google::protobuf::Duration Minus(const google::protobuf::Duration& a,
                                 const google::protobuf::Duration& b) {
  const int64_t ns = (a.seconds() - b.seconds()) * 1'000'000'000 + a.nanos() - b.nanos();
  google::protobuf::Duration difference;
  difference.set_seconds(ns / 1'000'000'000);
  difference.set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
  return difference;
}

const v1::ModeStats& StatsOf(const v1::Stats& stats, v1::Mode mode) {
  for (const v1::ModeStats& of_mode : stats.modes()) {
    if (of_mode.mode() == mode) return of_mode;
  }
  return v1::ModeStats::default_instance();
}

const v1::Histogram& LatenciesOf(const v1::LoadRun& run) {
  return run.histograms().has_from_intended_start() ? run.histograms().from_intended_start()
                                                    : run.histograms().handshake();
}

void FillLatency(const v1::LoadRun& before, const v1::LoadRun& after, v1::CompareBlock& block) {
  const absl::StatusOr<stats::Histogram> first = FromProto(LatenciesOf(before));
  const absl::StatusOr<stats::Histogram> last = FromProto(LatenciesOf(after));
  if (!first.ok() || !last.ok() || !(first->layout() == last->layout())) return;
  const stats::Histogram latencies = last->Since(*first);
  *block.mutable_histogram() = ToProto(latencies);
  *block.mutable_latency() = ToLatency(latencies);
}

// --- text
// -----------------------------------------------------------------------------------------

std::string LoadText(const v1::LoadSpec& load) {
  return IsOpenLoop(load) ? Short(load.rate_per_second()) + "/s, open loop"
                          : Count(load.concurrency()) + " at once, closed loop";
}

std::string Names(const v1::CompareReport& report) {
  return absl::StrJoin(report.modes(), ", ",
                       [](std::string* out, const v1::ComparedMode& mode) { *out += mode.name(); });
}

// For intervals.
bool EnoughBlocks(const v1::CompareReport& report) {
  const size_t fewest = stats::FewestValues(report.confidence());
  return report.done_round_count() >= static_cast<int64_t>(fewest);
}

using Format = std::string (*)(double);

std::string InCount(double value) { return ShortCount(std::llround(value)); }
std::string InMebibytes(double bytes) { return Short(bytes / (1 << 20)); }

std::string ValueText(const v1::CompareFigure& figure, Format format) {
  return figure.has_value() ? format(figure.value()) : std::string(kNothing);
}

Cell IntervalCell(const v1::CompareFigure& figure, Format format) {
  if (!figure.has_low() || figure.low() == figure.high()) return "";
  return {format(figure.low()) + "-" + format(figure.high()), Tone::kFaint};
}

std::string Medians(const v1::CompareReport& report, Style style) {
  Table table({{"MODE", Kind::kText},
               {"P50 ms", Kind::kNumber},
               {"P99 ms", Kind::kNumber},
               {"RATE /s", Kind::kNumber},
               {"CPU us", Kind::kNumber},
               {"RSS MiB", Kind::kNumber},
               {"THREADS", Kind::kNumber},
               {"FAILED", Kind::kNumber}});
  for (const v1::ComparedMode& mode : report.modes()) {
    table.Add(
        {mode.name(), ValueText(mode.p50(), MillisecondsUs), ValueText(mode.p99(), MillisecondsUs),
         ValueText(mode.rate(), Short), ValueText(mode.cpu(), Short),
         ValueText(mode.memory(), InMebibytes), ValueText(mode.threads(), InCount),
         Cell(Count(mode.failed_count()), mode.failed_count() > 0 ? Tone::kBad : Tone::kPlain)});
    if (!EnoughBlocks(report)) continue;
    table.Add({"", IntervalCell(mode.p50(), MillisecondsUs),
               IntervalCell(mode.p99(), MillisecondsUs), IntervalCell(mode.rate(), Short),
               IntervalCell(mode.cpu(), Short), IntervalCell(mode.memory(), InMebibytes),
               IntervalCell(mode.threads(), InCount), ""});
  }
  return table.Render(style);
}

// "+12.3% real" in the colour of better or worse, "not shown".
Cell RealCell(const v1::CompareFigure& figure, bool more_is_better) {
  if (!figure.has_ratio()) return std::string(kNothing);
  if (!figure.has_ratio_low()) return {Change(figure.ratio()) + " ?", Tone::kFaint};
  if (!figure.real()) return {"not shown", Tone::kFaint};
  const bool better = (figure.ratio() > 1) == more_is_better;
  return {Change(figure.ratio()) + " real", better ? Tone::kGood : Tone::kWarning};
}

Cell RatioIntervalCell(const v1::CompareFigure& figure) {
  if (!figure.has_ratio_low()) return "";
  return {Change(figure.ratio_low()) + " to " + Change(figure.ratio_high()), Tone::kFaint};
}

std::string Differences(const v1::CompareReport& report, Style style) {
  Table table({{"AGAINST " + report.baseline(), Kind::kText},
               {"P50", Kind::kNumber},
               {"P99", Kind::kNumber},
               {"RATE", Kind::kNumber},
               {"CPU", Kind::kNumber}});
  for (const v1::ComparedMode& mode : report.modes()) {
    if (mode.name() == report.baseline()) continue;
    table.Add({mode.name(), RealCell(mode.p50(), false), RealCell(mode.p99(), false),
               RealCell(mode.rate(), true), RealCell(mode.cpu(), false)});
    if (!EnoughBlocks(report)) continue;
    table.Add({"", RatioIntervalCell(mode.p50()), RatioIntervalCell(mode.p99()),
               RatioIntervalCell(mode.rate()), RatioIntervalCell(mode.cpu())});
  }
  return table.empty() ? std::string() : "\n" + table.Render(style);
}

bool LacksARatio(const v1::CompareReport& report) {
  return std::any_of(report.modes().begin(), report.modes().end(),
                     [&](const v1::ComparedMode& mode) {
                       return mode.name() != report.baseline() &&
                              !(mode.p50().has_ratio() && mode.p99().has_ratio() &&
                                mode.rate().has_ratio() && mode.cpu().has_ratio());
                     });
}

// How to read the tables.
std::string Legend(const v1::CompareReport& report) {
  std::string legend = absl::StrFormat(
      "\nMedians of the blocks. P50, P99: the whole handshake%s.\n"
      "CPU: of the mode's threads, for a handshake. RSS, THREADS: of the whole server,\n"
      "with what earlier modes left.\n",
      IsOpenLoop(report.load()) ? ", from its intended start" : "");
  if (report.done_round_count() > 0 && LacksARatio(report)) {
    legend += "No ratio (-) where a block of either has 0, or no handshake to measure.\n";
  }
  if (!EnoughBlocks(report)) {
    return legend + absl::StrFormat("Too few to say what is real: it takes %d, see --blocks.\n",
                                    stats::FewestValues(report.confidence()));
  }
  return legend + absl::StrFormat(
                      "Below each its %.3g%% interval. Of 100 figures of equals at most %.3g are "
                      "called real.\n",
                      report.confidence() * 100, (1 - report.confidence()) * 100);
}

Cell GeneratorCell(const v1::CompareReport& report) {
  const int64_t limited = report.generator_limited_round_count();
  const std::string why = ": " + report.bottleneck_reason();
  if (limited == 0) return {"no round was limited by it" + why};
  return {absl::StrFormat("it limited %s of %s rounds, whose numbers say as much of it as of the "
                          "modes%s",
                          Count(limited), Count(report.done_round_count()), why),
          Tone::kWarning};
}

}  // namespace

std::vector<std::vector<size_t>> RandomRounds(size_t n, int64_t rounds, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<size_t>> plan;
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  for (int64_t round = 0; round < rounds; ++round) {
    // Fisher and Yates; std::shuffle differs from library to library.
    for (size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    plan.push_back(order);
  }
  return plan;
}

v1::CompareBlock MeasureBlock(v1::Mode mode, const v1::LoadRun& run_before,
                              const v1::LoadRun& run_after, const v1::Stats& stats_before,
                              const v1::Stats& stats_after) {
  v1::CompareBlock block;
  *block.mutable_measured_time() = Minus(run_after.measured_time(), run_before.measured_time());
  block.set_ok_count(run_after.ok_count() - run_before.ok_count());
  block.set_failed_count(run_after.failed_count() - run_before.failed_count());
  const double seconds = ToSeconds(block.measured_time());
  if (seconds > 0) block.set_ok_per_second(static_cast<double>(block.ok_count()) / seconds);
  FillLatency(run_before, run_after, block);

  const v1::ModeStats& before = StatsOf(stats_before, mode);
  const v1::ModeStats& after = StatsOf(stats_after, mode);
  block.set_accepted_count(after.accepted_count() - before.accepted_count());
  block.set_completed_count(after.completed_count() - before.completed_count());
  block.set_server_failed_count(after.failed_count() - before.failed_count());
  *block.mutable_engine_cpu_time() = Minus(after.engine_cpu_time(), before.engine_cpu_time());
  block.set_resident_bytes(stats_after.process().resident_bytes());
  block.set_thread_count(stats_after.process().thread_count());
  return block;
}

void Summarize(v1::CompareReport& report) {
  const std::vector<const v1::CompareBlock*> baseline = BlocksOf(report, report.baseline());
  for (v1::ComparedMode& mode : *report.mutable_modes()) {
    const std::vector<const v1::CompareBlock*> blocks = BlocksOf(report, mode.name());
    for (const v1::CompareBlock* block : blocks) {
      mode.set_ok_count(mode.ok_count() + block->ok_count());
      mode.set_failed_count(mode.failed_count() + block->failed_count());
    }
    for (const Metric& metric : kMetrics) {
      v1::CompareFigure& figure = *(mode.*metric.figure)();
      const std::vector<double> values = Values(blocks, metric);
      FillMedian(values, report, figure);
      if (mode.name() == report.baseline()) continue;
      FillRatio(values, Values(baseline, metric), report.confidence(), figure);
    }
  }
}

std::string CompareProgress(const v1::CompareReport& report, size_t blocks_done,
                            std::string_view mode, std::chrono::nanoseconds left) {
  const double seconds = std::chrono::duration<double>(left).count();
  return absl::StrFormat("round %d of %d  block %d of %d: %s  %s failed  time left %s",
                         report.done_round_count() + 1, report.round_count(), blocks_done + 1,
                         report.round_count() * report.modes_size(), mode,
                         Count(report.failed_count()), SpanUs(std::round(seconds) * 1e6));
}

std::string ComparePage(const v1::CompareReport& report, Style style) {
  Table facts = Facts();
  const bool limited = report.generator_limited_round_count() > 0;
  if (limited) facts.Add({"generator", GeneratorCell(report)});
  if (!report.stop_reason().empty()) {
    facts.Add({"cut short",
               Cell(absl::StrFormat("after %s of %s rounds: %s", Count(report.done_round_count()),
                                    Count(report.round_count()), report.stop_reason()),
                    Tone::kWarning)});
  }
  facts.Add({"compared", Names(report)});
  for (const v1::ModeInfo& skipped : report.skipped_modes()) {
    facts.Add(
        {"skipped", Cell(skipped.name() + ": " + skipped.unavailable_reason(), Tone::kWarning)});
  }
  facts.Add({"load", LoadText(report.load()) + " to " + report.load().target()});
  facts.Add({"blocks", absl::StrFormat("%s a mode, one in each round, in random order (seed %d); "
                                       "%s measured, %s after each switch left out",
                                       Count(report.done_round_count()), report.seed(),
                                       Span(report.block_time()), Span(report.settle_time()))});
  if (!limited) facts.Add({"generator", GeneratorCell(report)});
  facts.Add(
      {"handshakes", Cell(absl::StrFormat("%s ok, %s failed, over %s switches in %s",
                                          Count(report.ok_count()), Count(report.failed_count()),
                                          Count(report.switch_count()), Span(report.elapsed())),
                          report.failed_count() > 0 ? Tone::kBad : Tone::kPlain)});
  return facts.Render(style) + "\n" + Medians(report, style) + Differences(report, style) +
         Legend(report) + FailuresTable(report.failures(), style);
}

int CompareExitCode(const v1::CompareReport& report) {
  if (report.failed_count() > 0 || report.ok_count() == 0) return kExitBadOutcome;
  const bool limited =
      report.generator_limited_round_count() * 2 >= std::max<int64_t>(report.done_round_count(), 1);
  return IsOpenLoop(report.load()) && limited ? kExitGeneratorLimited : kExitOk;
}

}  // namespace handshake::report

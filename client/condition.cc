#include "client/condition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "client/load_run.h"
#include "common/text/duration.h"

namespace handshake::client {
namespace {

constexpr size_t kLongestText = 64;  // bytes; the longest that makes sense has half of it

enum class Kind : uint8_t { kLatency, kCount, kRate };

struct MetricTraits {
  std::string_view name;
  Kind kind;
  double percentile = 0;  // of the latencies that are one
};
// Indexed by Metric.
constexpr std::array<MetricTraits, 9> kMetrics = {{{"p50", Kind::kLatency, 50},
                                                   {"p90", Kind::kLatency, 90},
                                                   {"p99", Kind::kLatency, 99},
                                                   {"p99.9", Kind::kLatency, 99.9},
                                                   {"max", Kind::kLatency, 100},
                                                   {"mean", Kind::kLatency},
                                                   {"errors", Kind::kCount},
                                                   {"dropped", Kind::kCount},
                                                   {"rate", Kind::kRate}}};
// Longer ones before those they begin with.
constexpr std::array<std::pair<std::string_view, Comparison>, 5> kComparisons = {
    {{"<=", Comparison::kAtMost},
     {">=", Comparison::kAtLeast},
     {"<", Comparison::kLess},
     {">", Comparison::kMore},
     {"=", Comparison::kEqual}}};

const MetricTraits& TraitsOf(Metric metric) { return kMetrics[static_cast<size_t>(metric)]; }

// Reads a condition from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { SkipSpaces(); }

  // Up to a space or a character of a comparison.
  std::string_view Word() { return Take(text_.substr(at_).find_first_of(" <>=")); }
  // Up to " over " or the end.
  std::string_view Value() {
    const std::string_view rest = text_.substr(at_);
    const size_t over = std::min(rest.find(kOver), rest.size());
    return Take(rest.substr(0, over).find_last_not_of(' ') + 1);
  }
  // Takes "over ", if it is next.
  bool TakeOver() {
    const bool next = text_.substr(at_).starts_with(kOver.substr(1));
    if (next) Take(kOver.size() - 1);
    return next;
  }
  std::string_view Rest() { return Take(text_.substr(at_).find_last_not_of(' ') + 1); }
  std::optional<Comparison> TakeComparison() {
    for (const auto& [sign, comparison] : kComparisons) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      Take(sign.size());
      return comparison;
    }
    last_ = at_;
    return std::nullopt;
  }
  // At what was looked at last.
  absl::Status Error(std::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrFormat("condition '%s', column %d: %s", text_, last_ + 1, what));
  }

 private:
  static constexpr std::string_view kOver = " over ";

  std::string_view Take(size_t length) {
    last_ = at_;
    const std::string_view taken = text_.substr(at_, length);
    at_ += taken.size();
    SkipSpaces();
    return taken;
  }
  void SkipSpaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t last_ = 0;
};

std::optional<Metric> MetricByName(std::string_view name) {
  for (size_t i = 0; i < kMetrics.size(); ++i) {
    if (kMetrics[i].name == name) return static_cast<Metric>(i);
  }
  return std::nullopt;
}

std::optional<double> ParseNumber(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || rest != end || !std::isfinite(number) || number < 0) {
    return std::nullopt;
  }
  return number;
}

// Sets the value of a condition whose metric is known; false: it has none like that.
bool SetValue(std::string_view text, Condition& condition) {
  const Kind kind = TraitsOf(condition.metric).kind;
  if (kind == Kind::kLatency) {
    const auto duration = text::ParseDuration(text);
    if (!duration.ok()) return false;
    condition.value = std::chrono::duration<double, std::micro>(*duration).count();
    return true;
  }
  condition.percent = kind == Kind::kCount && text.ends_with('%');
  if (condition.percent) text.remove_suffix(1);
  const std::optional<double> number = ParseNumber(text);
  condition.value = number.value_or(0);
  return number && (!condition.percent || *number <= 100);
}

std::string_view ValueForm(Metric metric) {
  switch (TraitsOf(metric).kind) {
    case Kind::kLatency:
      return "a duration, as in 500us or 5ms";
    case Kind::kCount:
      return "a number, or a share up to 100%, as in 0 or 0.1%";
    case Kind::kRate:
      return "a number of handshakes a second, as in 5000";
  }
  return "";
}

double LatencyOf(Metric metric, const stats::Histogram& latency) {
  if (metric == Metric::kMean) return latency.Mean();
  if (metric == Metric::kMax) return static_cast<double>(latency.Max());
  return static_cast<double>(latency.AtPercentile(TraitsOf(metric).percentile));
}

std::optional<double> CountOf(int64_t count, int64_t all, bool percent) {
  if (!percent) return static_cast<double>(count);
  if (all == 0) return std::nullopt;
  return 100.0 * static_cast<double>(count) / static_cast<double>(all);
}

// In the unit of condition.value.
std::optional<double> ValueOf(const Condition& condition, const LoadReport& report) {
  switch (condition.metric) {
    case Metric::kErrors:
      return CountOf(report.failed(), report.ok() + report.failed(), condition.percent);
    case Metric::kDropped:
      return CountOf(report.dropped, report.planned, condition.percent);
    case Metric::kRate: {
      const double seconds = std::chrono::duration<double>(report.measured).count();
      if (seconds <= 0) return std::nullopt;
      return static_cast<double>(report.ok()) / seconds;
    }
    default:
      if (report.latency().count() == 0) return std::nullopt;
      return LatencyOf(condition.metric, report.latency());
  }
}

}  // namespace

absl::StatusOr<Condition> ParseCondition(std::string_view text) {
  Reader reader(text.substr(0, kLongestText));
  if (text.size() > kLongestText) return reader.Error("longer than 64 characters");
  Condition condition;
  condition.text = text;
  const std::string_view name = reader.Word();
  const std::optional<Metric> metric = MetricByName(name);
  if (!metric) {
    return reader.Error(absl::StrFormat(
        "'%s' is not one of p50, p90, p99, p99.9, max, mean, errors, dropped, rate", name));
  }
  condition.metric = *metric;
  const std::optional<Comparison> comparison = reader.TakeComparison();
  if (!comparison) return reader.Error("one of <, <=, >, >= and = belongs here");
  condition.comparison = *comparison;
  const std::string_view value = reader.Value();
  if (!SetValue(value, condition)) {
    return reader.Error(absl::StrFormat("'%s' is not %s", value, ValueForm(condition.metric)));
  }
  if (!reader.TakeOver()) return condition;
  const std::string_view window = reader.Rest();
  const auto over = text::ParseDuration(window);
  if (!over.ok() || *over < kShortestWindow || *over > kLongestWindow ||
      *over % std::chrono::seconds(1) != std::chrono::nanoseconds(0)) {
    return reader.Error(
        absl::StrFormat("'%s' is not a number of whole seconds from 1s to 1h, as in 10s", window));
  }
  condition.over = *over;
  return condition;
}

std::chrono::nanoseconds StopWindowOf(const Condition& condition) {
  return condition.over.value_or(kShortestWindow);
}

std::optional<bool> Holds(const Condition& condition, const LoadReport& report) {
  const std::optional<double> value = ValueOf(condition, report);
  if (!value) return std::nullopt;
  switch (condition.comparison) {
    case Comparison::kLess:
      return *value < condition.value;
    case Comparison::kAtMost:
      return *value <= condition.value;
    case Comparison::kMore:
      return *value > condition.value;
    case Comparison::kAtLeast:
      return *value >= condition.value;
    case Comparison::kEqual:
      return *value == condition.value;
  }
  return std::nullopt;
}

std::string Explain(const Condition& condition, const LoadReport& report) {
  const std::optional<double> value = ValueOf(condition, report);
  if (!value) return condition.text + ": nothing was measured";
  std::string is;
  if (TraitsOf(condition.metric).kind == Kind::kLatency) {
    is = text::FormatDuration(std::chrono::microseconds(std::llround(*value)));
  } else {
    is = absl::StrFormat("%.6g%s", *value, condition.percent ? "%" : "");
  }
  return condition.text + ": it is " + is;
}

}  // namespace handshake::client

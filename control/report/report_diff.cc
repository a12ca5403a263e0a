#include "control/report/report_diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/stats/difference.h"
#include "control/report/compare_report.h"
#include "control/report/humane.h"
#include "control/report/load_report.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

constexpr size_t kFewestPoints = 5;  // of each, for a 99 % interval
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

const v1::Latency& LatencyOf(const v1::LoadRun& run) {
  return IsOpenLoop(run.spec()) ? run.from_intended_start() : run.handshake();
}

double ErrorPercent(int64_t ok, int64_t failed) {
  const double ended = static_cast<double>(ok) + static_cast<double>(failed);
  return ended > 0 ? 100 * static_cast<double>(failed) / ended : kNoNumber;
}

std::string Hundredths(double value) { return absl::StrFormat("%.2f", value); }

// What is compared: what it is in a latency, or else in a run and in a point.
struct Figure {
  const char* name;
  std::string (*format)(double);
  bool more_is_better;
  double (*in_latency)(const v1::Latency& latency);
  double (*in_run)(const v1::LoadRun& run);
  double (*in_point)(const v1::LoadPoint& point);
};

constexpr Figure OfLatency(const char* name, double (*in_latency)(const v1::Latency& latency)) {
  return {name, MillisecondsUs, false, in_latency, nullptr, nullptr};
}

const std::array<Figure, 7> kFigures = {
    {OfLatency("p50 ms", [](const v1::Latency& of) { return static_cast<double>(of.p50_us()); }),
     OfLatency("p90 ms", [](const v1::Latency& of) { return static_cast<double>(of.p90_us()); }),
     OfLatency("p99 ms", [](const v1::Latency& of) { return static_cast<double>(of.p99_us()); }),
     OfLatency("p99.9 ms", [](const v1::Latency& of) { return static_cast<double>(of.p999_us()); }),
     OfLatency("mean ms", [](const v1::Latency& of) { return of.mean_us(); }),
     {"rate /s", Short, true, nullptr, [](const v1::LoadRun& run) { return run.ok_per_second(); },
      [](const v1::LoadPoint& point) {
        return static_cast<double>(point.ok_count()) / ToSeconds(point.duration());
      }},
     {"errors %", Hundredths, false, nullptr,
      [](const v1::LoadRun& run) { return ErrorPercent(run.ok_count(), run.failed_count()); },
      [](const v1::LoadPoint& point) {
        return ErrorPercent(point.ok_count(), point.failed_count());
      }}}};

double InLatency(const Figure& figure, const v1::Latency& latency) {
  return latency.count() > 0 ? figure.in_latency(latency) : kNoNumber;
}

double Whole(const Figure& figure, const v1::LoadRun& run) {
  return figure.in_latency != nullptr ? InLatency(figure, LatencyOf(run)) : figure.in_run(run);
}

// One a point, but for points that have none.
std::vector<double> InPoints(const Figure& figure, const v1::LoadRun& run) {
  std::vector<double> values;
  for (const v1::LoadPoint& point : run.points()) {
    const double value =
        figure.in_latency != nullptr ? InLatency(figure, point.latency()) : figure.in_point(point);
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

// In the figure's own unit, with its sign.
std::string Plain(const Figure& figure, double difference) {
  return (difference < 0 ? "-" : "+") + figure.format(std::abs(difference));
}

std::string ChangeOf(const Figure& figure, double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::string(kNothing);
  if (a == b) return "0";
  return a > 0 && b > 0 ? Change(b / a) : Plain(figure, b - a);
}

// How B's points differ from A's: its interval, and whether it is real.
struct Judgement {
  Cell interval = "";
  Cell real = {"too few seconds: 5 at least needed", Tone::kFaint};
};

Judgement Judge(const Figure& figure, const std::vector<double>& a, const std::vector<double>& b) {
  if (std::min(a.size(), b.size()) < kFewestPoints) return {};
  // A ratio says nothing of zeros.
  const auto positive = [](double value) { return value > 0; };
  const bool ratio =
      std::all_of(a.begin(), a.end(), positive) && std::all_of(b.begin(), b.end(), positive);
  const double none = ratio ? 1 : 0;
  const stats::Estimate estimate = ratio ? stats::UnpairedRatio(b, a, kCompareConfidence)
                                         : stats::UnpairedDifference(b, a, kCompareConfidence);
  if (!estimate.interval) return {};
  const auto text = [&](double value) { return ratio ? Change(value) : Plain(figure, value); };
  Judgement judgement;
  judgement.interval = {text(estimate.interval->low) + " to " + text(estimate.interval->high),
                        Tone::kFaint};
  const bool better = (estimate.value > none) == figure.more_is_better;
  judgement.real = stats::IsReal(estimate, none)
                       ? Cell("real", better ? Tone::kGood : Tone::kWarning)
                       : Cell("not shown", Tone::kFaint);
  return judgement;
}

std::string About(const NamedRun& named) {
  return Printable(absl::StrFormat("%s, %s, %s, %d points", named.name,
                                   DateTime(named.run.start_time()), AskedFor(named.run.spec()),
                                   named.run.points_size()));
}

// One field alone: "rate_per_second: 500"; "unset".
std::string FieldText(const v1::LoadSpec& spec, const google::protobuf::FieldDescriptor& field) {
  v1::LoadSpec only = spec;
  const google::protobuf::Descriptor& type = *v1::LoadSpec::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i) != &field) only.GetReflection()->ClearField(&only, type.field(i));
  }
  const std::string text = SpecText(only);
  return text.empty() ? "unset" : Printable(text);
}

void AddSpecDifferences(Table& facts, const v1::LoadSpec& a, const v1::LoadSpec& b) {
  const google::protobuf::Descriptor& type = *v1::LoadSpec::descriptor();
  bool first = true;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string in_a = FieldText(a, *type.field(i));
    const std::string in_b = FieldText(b, *type.field(i));
    if (in_a == in_b) continue;
    facts.Add({first ? "asked otherwise" : "",
               Cell(absl::StrFormat("A %s, B %s", in_a, in_b), Tone::kWarning)});
    first = false;
  }
}

}  // namespace

std::string ReportDiff(const NamedRun& a, const NamedRun& b, Style style) {
  Table facts = Facts();
  AddSpecDifferences(facts, a.run.spec(), b.run.spec());
  facts.Add({"A", About(a)});
  facts.Add({"B", About(b)});
  Table table({{"FIGURE", Kind::kText},
               {"A", Kind::kNumber},
               {"B", Kind::kNumber},
               {"CHANGE", Kind::kNumber},
               {"99% INTERVAL", Kind::kNumber},
               {"", Kind::kText}});
  for (const Figure& figure : kFigures) {
    const auto value = [&](double whole) {
      return std::isfinite(whole) ? figure.format(whole) : std::string(kNothing);
    };
    const double in_a = Whole(figure, a.run);
    const double in_b = Whole(figure, b.run);
    const Judgement judgement = Judge(figure, InPoints(figure, a.run), InPoints(figure, b.run));
    table.Add({figure.name, value(in_a), value(in_b), ChangeOf(figure, in_a, in_b),
               judgement.interval, judgement.real});
  }
  return facts.Render(style) + "\n" + table.Render(style) +
         "\nA, B, CHANGE: of the whole runs. The interval is of a typical second of B against one "
         "of A,\nin % or, where there are zeros, in the figure's unit.\n";
}

}  // namespace handshake::report

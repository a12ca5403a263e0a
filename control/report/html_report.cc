#include "control/report/html_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/text/version.h"
#include "control/report/histograms.h"
#include "control/report/html_chart.h"
#include "control/report/humane.h"
#include "control/report/json.h"
#include "control/report/load_report.h"
#include "control/report/names.h"

namespace handshake::report {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#18202b;--faint:#667085;
--line:#e3e7ee;--good:#147a4b;--warning:#a15c00;--bad:#b42318;--c1:#2563eb;--c2:#d97706;
--c3:#c02662;--c4:#0d9488;--c5:#7c3aed;--c6:#64748b}
@media(prefers-color-scheme:dark){:root{--paper:#10151d;--card:#18202b;--ink:#e8edf4;
--faint:#94a1b5;--line:#2b3646;--good:#4ade80;--warning:#fbbf24;--bad:#f87171;--c1:#60a5fa;
--c2:#fbbf24;--c3:#f472b6;--c4:#2dd4bf;--c5:#a78bfa;--c6:#94a3b8}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 20px 48px}
h1{margin:0;font-size:30px;line-height:1.2;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{margin:0;font-size:16px}
p{margin:6px 0;overflow-wrap:anywhere}
.faint,figcaption,th{color:var(--faint)}
figcaption h2{color:var(--ink)}
.badge{display:inline-block;padding:3px 12px;border-radius:99px;font-weight:600;font-size:14px;
color:var(--card);background:var(--faint);margin-bottom:10px}
.badge.good{background:var(--good)}.badge.warning{background:var(--warning)}
.badge.bad{background:var(--bad)}
.good{color:var(--good)}.warning{color:var(--warning)}.bad{color:var(--bad)}
.badge.good,.badge.warning,.badge.bad{color:var(--card)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:12px;
margin:24px 0}
.tiles div,figure,section{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tiles div{padding:14px 16px}
.tiles b{display:block;font-size:23px;line-height:1.3;font-weight:650;white-space:nowrap}
.tiles span{display:block;font-size:13.5px;color:var(--faint)}
.charts{display:grid;grid-template-columns:1fr 1fr;gap:16px}
.wide{grid-column:1/-1}
@media(max-width:820px){.charts{grid-template-columns:1fr}}
figure,section{margin:0;padding:16px 18px;min-width:0}
section{margin-top:16px;overflow-x:auto}
figcaption{display:flex;flex-wrap:wrap;gap:4px 20px;justify-content:space-between;font-size:14px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px}
.key::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;
background:var(--c);margin-right:6px;vertical-align:middle}
.plot{position:relative;height:240px;margin:14px 8px 26px 58px}
.wide .plot{height:280px}
.plot svg{width:100%;height:100%;display:block;overflow:visible}
.plot i{position:absolute;font:12.5px/1 system-ui,sans-serif;color:var(--faint);
white-space:nowrap}
.plot .y{right:calc(100% + 8px);transform:translateY(-50%)}
.plot .x{top:calc(100% + 9px);transform:translateX(-50%)}
.plot .mark{top:0;bottom:0;border-left:1.5px dashed var(--m);pointer-events:none}
.mark,.marks b{--m:var(--ink)}.mark.switch,.marks b.switch{--m:var(--c5)}
.mark b,.marks b{min-width:18px;height:18px;padding:0 3px;border-radius:9px;background:var(--m);
color:var(--card);font:600 11px/18px system-ui,sans-serif;text-align:center}
.mark b{position:absolute;top:-9px;left:-.75px;transform:translateX(-50%)}
.mark u{position:absolute;top:14px;left:3px;writing-mode:vertical-rl;text-decoration:none;
font:600 11.5px/1 system-ui,sans-serif;color:var(--m);
text-shadow:0 0 2px var(--card),0 0 2px var(--card),0 0 4px var(--card),0 0 4px var(--card)}
.mark u.before{left:auto;right:4px}
.charts section{margin:0}
.marks{margin:10px 0 0;padding:0;list-style:none;font-size:14.5px;columns:2 320px;column-gap:32px}
.marks li{display:flex;gap:10px;align-items:baseline;padding:3px 0;break-inside:avoid}
.marks span{min-width:5em;color:var(--faint);font-variant-numeric:tabular-nums}
.line{fill:none;stroke:var(--c);stroke-width:1.8;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
.bar{fill:var(--c)}
.grid{stroke:var(--line);vector-effect:non-scaling-stroke}
.hover rect{fill:var(--ink);opacity:0}.hover rect:hover{opacity:.08}
.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
.c6{--c:var(--c6)}
table{border-collapse:collapse;width:100%;font-size:14.5px;margin-top:8px}
th{font-weight:500;text-align:right;white-space:nowrap}
td{text-align:right;border-top:1px solid var(--line);font-variant-numeric:tabular-nums}
th,td{padding:6px 10px}
th:first-child,td:first-child,td.text,th.text{text-align:left;padding-left:0}
pre{margin:8px 0 0;padding:12px 14px;border-radius:8px;background:var(--paper);
font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
details summary{cursor:pointer;font-weight:600}
code{font:13.5px ui-monospace,monospace}
footer{margin-top:24px;font-size:13.5px;color:var(--faint)}
)";

constexpr std::array<double, 17> kPercentiles = {
    0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99, 99.995, 99.999};
constexpr int kColours = 6;
constexpr int kMostEvents = 50;  // shown; more are no picture
constexpr int kMostReasons = 5;  // and the rest together

std::string_view ClassOf(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "good";
    case Tone::kWarning:
      return "warning";
    case Tone::kBad:
      return "bad";
    default:
      return "";
  }
}

// "90 s", "2:05", "1:02:05".
std::string Clock(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  if (whole < 120) return absl::StrFormat("%g s", std::round(seconds * 100) / 100);
  if (whole < 3'600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3'600, whole / 60 % 60, whole % 60);
}

double Begin(const v1::LoadPoint& point) { return ToSeconds(point.elapsed()); }
double End(const v1::LoadPoint& point) { return Begin(point) + ToSeconds(point.duration()); }

// Whatever a file says: those that have a length and follow each other.
std::vector<v1::LoadPoint> PointsOf(const v1::LoadRun& run) {
  std::vector<v1::LoadPoint> points;
  for (const v1::LoadPoint& point : run.points()) {
    const bool follows = points.empty() || Begin(point) >= Begin(points.back());
    if (follows && Begin(point) >= 0 && End(point) > Begin(point)) points.push_back(point);
  }
  return points;
}

template <class Value>
std::vector<Step> StepsOf(const std::vector<v1::LoadPoint>& points, const Value& value) {
  std::vector<Step> steps;
  for (const v1::LoadPoint& point : points) {
    const double y = value(point);
    steps.push_back({.from = Begin(point), .to = End(point), .value = y, .missing = y < 0});
  }
  return steps;
}

double PerSecond(const v1::LoadPoint& point, int64_t count) {
  return static_cast<double>(count) / (End(point) - Begin(point));
}

Axis TimeAxis(const std::vector<v1::LoadPoint>& points) {
  return {.low = Begin(points.front()), .high = End(points.back()), .label = Clock};
}

// From 0 to a round number that is not below the highest.
Axis CountAxis(double highest) {
  return {.low = 0, .high = RoundUp(std::max(highest, 5.0)), .label = [](double value) {
            return value == std::floor(value) && value < 1'000 ? absl::StrFormat("%.0f", value)
                                                               : Short(value);
          }};
}

Axis LatencyAxis(double lowest_us, double highest_us) {
  const double low = std::max(lowest_us, 1.0);
  double floor = std::pow(10, std::floor(std::log10(low)));
  for (const double step : {2.0, 5.0}) {
    if (floor * 2.5 <= low && step == 2.0) floor *= 2;
    if (floor * 2.5 <= low && step == 5.0) floor *= 2.5;
  }
  return {.low = floor,
          .high = RoundUp(std::max(highest_us, floor * 2)),
          .logarithmic = true,
          .label = [](double us) { return us < 1 ? std::string("0") : SpanUs(us); }};
}

std::string Tile(std::string_view figure, std::string_view name, Tone tone = Tone::kPlain) {
  return absl::StrFormat("<div><b class=\"%s\">%s</b><span>%s</span></div>\n", ClassOf(tone),
                         EscapeHtml(figure), EscapeHtml(name));
}

std::string Share(int64_t part, int64_t whole) {
  if (part == 0 || whole <= 0) return "0";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  return percent < 0.01 ? "< 0.01 %" : absl::StrFormat("%.3g %%", percent);
}

std::string Tiles(const v1::LoadRun& run) {
  const v1::Latency& latency = IsOpenLoop(run.spec()) ? run.from_intended_start() : run.handshake();
  const auto span = [&](int64_t us) {
    return latency.count() > 0 ? SpanUs(static_cast<double>(us)) : std::string(kNothing);
  };
  const int64_t ended = Sum(run.ok_count(), run.failed_count());
  std::string html = "<div class=\"tiles\">\n";
  html += Tile(Rate(run.ok_per_second()), Count(run.ok_count()) + " handshakes ok");
  html += Tile(span(latency.p50_us()), "median latency");
  html += Tile(span(latency.p99_us()), "p99");
  html += Tile(span(latency.p999_us()), "p99.9");
  html += Tile(span(latency.max_us()), "slowest");
  html += Tile(Share(run.failed_count(), ended),
               absl::StrFormat("failed: %s of %s", Count(run.failed_count()), Count(ended)),
               run.failed_count() > 0 ? Tone::kBad : Tone::kGood);
  if (IsOpenLoop(run.spec())) {
    html += Tile(Share(run.dropped_count(), run.planned_count()),
                 absl::StrFormat("dropped: %s of %s", Count(run.dropped_count()),
                                 Count(run.planned_count())),
                 run.dropped_count() > 0 ? Tone::kWarning : Tone::kGood);
  }
  html += Tile(Count(run.peak_connection_count()), "connections at the most");
  return html + "</div>\n";
}

std::string Header(const v1::LoadRun& run) {
  const Cell state = StateCell(run.state());
  std::string html =
      absl::StrFormat("<header>\n<span class=\"badge %s\">%s</span>\n<h1>Load on %s</h1>\n",
                      ClassOf(state.tone), EscapeHtml(state.text), EscapeHtml(run.spec().target()));
  html += absl::StrFormat("<p class=\"faint\">%s &middot; %s%s</p>\n",
                          EscapeHtml(AskedFor(run.spec())), EscapeHtml(DateTime(run.start_time())),
                          run.id().empty() ? "" : " &middot; " + EscapeHtml(run.id()));
  const auto say = [&html](std::string_view what, std::string_view text, Tone tone) {
    absl::StrAppendFormat(&html, "<p><strong class=\"%s\">%s</strong> %s</p>\n", ClassOf(tone),
                          EscapeHtml(what), EscapeHtml(text));
  };
  if (!run.shortfall().empty()) say("Fell short:", run.shortfall(), Tone::kWarning);
  if (!run.state_reason().empty()) say("Ended early:", run.state_reason(), Tone::kWarning);
  for (const std::string& breach : run.breaches()) say("Breached:", breach, Tone::kBad);
  if (run.bottleneck() != v1::LoadRun::BOTTLENECK_UNSPECIFIED) {
    const Cell verdict = VerdictCell(run);
    say("Verdict:", verdict.text, verdict.tone);
  }
  if (run.spec().has_warmup_time()) {
    say("Warm-up:", "the first " + Span(run.spec().warmup_time()) + " are left out", Tone::kPlain);
  }
  return html + "</header>\n";
}

// The event's number is its place, from 1, in the charts and in the list.
void MarkEvents(const v1::LoadRun& run, Chart& chart) {
  for (int i = 0; i < std::min(run.events_size(), kMostEvents); ++i) {
    const v1::LoadRunEvent& event = run.events(i);
    const bool is_switch = event.mode() != v1::MODE_UNSPECIFIED;
    chart.AddMark(ToSeconds(event.elapsed()), i + 1, is_switch ? ModeName(event.mode()) : "");
  }
}

std::string Events(const v1::LoadRun& run) {
  if (run.events().empty()) return "";
  std::string html =
      "<section class=\"wide\"><h2>What happened meanwhile</h2>\n<ol class=\"marks\">\n";
  const int shown = std::min(run.events_size(), kMostEvents);
  for (int i = 0; i < shown; ++i) {
    const v1::LoadRunEvent& event = run.events(i);
    absl::StrAppendFormat(&html, "<li><b%s>%d</b><span>%s</span>%s</li>\n",
                          event.mode() != v1::MODE_UNSPECIFIED ? " class=\"switch\"" : "", i + 1,
                          EscapeHtml(Clock(ToSeconds(event.elapsed()))), EscapeHtml(event.text()));
  }
  html += "</ol>\n";
  if (run.event_count() > shown) {
    absl::StrAppendFormat(&html, "<p class=\"faint\">and %s more</p>\n",
                          Count(Less(run.event_count(), shown)));
  }
  return html + "</section>\n";
}

std::string LatencyOverTime(const v1::LoadRun& run, const std::vector<v1::LoadPoint>& points) {
  double lowest = 0;
  double highest = 0;
  for (const v1::LoadPoint& point : points) {
    if (point.latency().count() <= 0) continue;
    const auto p50 = static_cast<double>(point.latency().p50_us());
    lowest = lowest == 0 ? p50 : std::min(lowest, p50);
    highest = std::max(highest, static_cast<double>(point.latency().max_us()));
  }
  if (highest <= 0) return "";
  Chart chart("Latency over time", TimeAxis(points), LatencyAxis(lowest, highest));
  const auto line = [&](const char* name, int colour, const auto& of) {
    chart.AddSteps(name, colour, StepsOf(points, [&](const v1::LoadPoint& point) {
                     return point.latency().count() > 0 ? static_cast<double>(of(point.latency()))
                                                        : -1.0;
                   }));
  };
  line("slowest", 3, [](const v1::Latency& latency) { return latency.max_us(); });
  line("p99", 2, [](const v1::Latency& latency) { return latency.p99_us(); });
  line("median", 1, [](const v1::Latency& latency) { return latency.p50_us(); });
  for (const v1::LoadPoint& point : points) {
    const v1::Latency& latency = point.latency();
    chart.AddHover(Begin(point), End(point),
                   latency.count() > 0
                       ? absl::StrFormat("%s: median %s, p99 %s, slowest %s", Clock(Begin(point)),
                                         SpanUs(static_cast<double>(latency.p50_us())),
                                         SpanUs(static_cast<double>(latency.p99_us())),
                                         SpanUs(static_cast<double>(latency.max_us())))
                       : Clock(Begin(point)) + ": no handshake was ok");
  }
  MarkEvents(run, chart);
  return "<div class=\"wide\">" + chart.Html() + "</div>\n";
}

std::string Throughput(const v1::LoadRun& run, const std::vector<v1::LoadPoint>& points) {
  double highest = 0;
  for (const v1::LoadPoint& point : points) {
    highest =
        std::max({highest, PerSecond(point, point.planned_count()),
                  PerSecond(point, point.started_count()), PerSecond(point, point.ok_count())});
  }
  Chart chart("Handshakes a second", TimeAxis(points), CountAxis(highest));
  const auto line = [&](const char* name, int colour, const auto& of) {
    chart.AddSteps(name, colour, StepsOf(points, [&](const v1::LoadPoint& point) {
                     return PerSecond(point, of(point));
                   }));
  };
  if (IsOpenLoop(run.spec())) {
    line("planned", 6, [](const v1::LoadPoint& point) { return point.planned_count(); });
  }
  line("begun", 2, [](const v1::LoadPoint& point) { return point.started_count(); });
  line("ok", 1, [](const v1::LoadPoint& point) { return point.ok_count(); });
  for (const v1::LoadPoint& point : points) {
    chart.AddHover(
        Begin(point), End(point),
        absl::StrFormat("%s: %s begun, %s ok, %s in flight", Clock(Begin(point)),
                        Rate(PerSecond(point, point.started_count())),
                        Rate(PerSecond(point, point.ok_count())), Count(point.in_flight_count())));
  }
  MarkEvents(run, chart);
  return chart.Html();
}

// The verdicts of failures, the most frequent first.
std::vector<v1::Verdict> ReasonsOf(const std::vector<v1::LoadPoint>& points) {
  std::map<v1::Verdict, int64_t> counts;
  for (const v1::LoadPoint& point : points) {
    for (const v1::VerdictCount& failure : point.failures()) {
      counts[failure.verdict()] = Sum(counts[failure.verdict()], failure.count());
    }
  }
  std::vector<v1::Verdict> reasons;
  for (const auto& [verdict, count] : counts) reasons.push_back(verdict);
  std::stable_sort(reasons.begin(), reasons.end(),
                   [&](v1::Verdict a, v1::Verdict b) { return counts[a] > counts[b]; });
  return reasons;
}

int64_t CountOf(const v1::LoadPoint& point, v1::Verdict verdict) {
  for (const v1::VerdictCount& failure : point.failures()) {
    if (failure.verdict() == verdict) return failure.count();
  }
  return 0;
}

std::string Errors(const v1::LoadRun& run, const std::vector<v1::LoadPoint>& points) {
  double highest = 0;
  for (const v1::LoadPoint& point : points) {
    highest = std::max(highest, PerSecond(point, Sum(point.failed_count(), point.dropped_count())));
  }
  Chart chart("Failed and dropped a second", TimeAxis(points), CountAxis(highest));
  std::vector<v1::Verdict> reasons = ReasonsOf(points);
  std::vector<double> below;
  const auto bars = [&](const std::string& name, int colour, const auto& of) {
    chart.AddBars(
        name, colour,
        StepsOf(points, [&](const v1::LoadPoint& point) { return PerSecond(point, of(point)); }),
        below);
  };
  constexpr std::array<int, kMostReasons> kOrder = {3, 2, 5, 4, 1};
  for (size_t i = 0; i < std::min<size_t>(reasons.size(), kMostReasons); ++i) {
    bars(VerdictName(reasons[i]), kOrder[i],
         [&](const v1::LoadPoint& point) { return CountOf(point, reasons[i]); });
  }
  const bool dropped = std::any_of(points.begin(), points.end(), [](const v1::LoadPoint& point) {
    return point.dropped_count() > 0;
  });
  if (dropped) {
    bars("dropped", kColours, [](const v1::LoadPoint& point) { return point.dropped_count(); });
  }
  for (const v1::LoadPoint& point : points) {
    std::string text = Clock(Begin(point)) + ": " + Count(point.failed_count()) + " failed";
    if (dropped) text += ", " + Count(point.dropped_count()) + " dropped";
    for (const v1::VerdictCount& failure : point.failures()) {
      text += "\n" + VerdictName(failure.verdict()) + " " + Count(failure.count());
    }
    chart.AddHover(Begin(point), End(point), text);
  }
  MarkEvents(run, chart);
  if (highest > 0) return chart.Html();
  return "<figure><figcaption><h2>Failed and dropped a second</h2></figcaption>"
         "<p class=\"good\">None failed, none was dropped.</p></figure>\n";
}

// Where a percentile stands: each nine is as wide as the one before.
double Nines(double percentile) { return -std::log10(1 - std::min(percentile, 99.9995) / 100); }

std::string PercentileLabel(double nines) {
  const double percentile = 100 - 100 * std::pow(10, -nines);
  return absl::StrFormat("%.6g", std::round(percentile * 1'000) / 1'000);
}

std::string PercentileCurve(const v1::LoadRun& run) {
  const v1::LoadHistograms& all = run.histograms();
  std::vector<std::pair<std::string, stats::Histogram>> curves;
  const auto add = [&](const char* name, bool there, const v1::Histogram& message) {
    if (!there) return;
    const absl::StatusOr<stats::Histogram> histogram = FromProto(message);
    if (histogram.ok() && histogram->count() > 0) curves.emplace_back(name, *histogram);
  };
  add("from the planned start", all.has_from_intended_start(), all.from_intended_start());
  add("handshake alone", all.has_handshake(), all.handshake());
  add("send lag", all.has_send_lag(), all.send_lag());
  if (curves.empty()) return "";
  double lowest = 1e18;
  double highest = 0;
  for (const auto& [name, histogram] : curves) {
    lowest =
        std::min(lowest, static_cast<double>(std::max<int64_t>(histogram.AtPercentile(10), 1)));
    highest = std::max(highest, static_cast<double>(histogram.Max()));
  }
  Axis x = {.low = 0, .high = 5, .label = PercentileLabel};
  Chart chart("Latency by percentile", x, LatencyAxis(lowest, highest));
  int colour = 1;
  for (const auto& [name, histogram] : curves) {
    std::vector<std::pair<double, double>> line;
    for (const double percentile : kPercentiles) {
      line.emplace_back(Nines(percentile), static_cast<double>(histogram.AtPercentile(percentile)));
    }
    chart.AddLine(name, colour, line);
    colour = colour == 1 ? 4 : 6;
  }
  const stats::Histogram& first = curves.front().second;
  for (size_t i = 0; i + 1 < kPercentiles.size(); ++i) {
    chart.AddHover(
        Nines(kPercentiles[i]), Nines(kPercentiles[i + 1]),
        absl::StrFormat("p%g: %s", kPercentiles[i],
                        SpanUs(static_cast<double>(first.AtPercentile(kPercentiles[i])))));
  }
  return chart.Html();
}

std::string InFlight(const v1::LoadRun& run, const std::vector<v1::LoadPoint>& points) {
  int64_t highest = 0;
  for (const v1::LoadPoint& point : points) highest = std::max(highest, point.in_flight_count());
  Chart chart("In flight at the end of each second", TimeAxis(points),
              CountAxis(static_cast<double>(highest)));
  chart.AddSteps("in flight", 4, StepsOf(points, [](const v1::LoadPoint& point) {
                   return static_cast<double>(point.in_flight_count());
                 }));
  for (const v1::LoadPoint& point : points) {
    chart.AddHover(Begin(point), End(point),
                   Clock(Begin(point)) + ": " + Count(point.in_flight_count()));
  }
  MarkEvents(run, chart);
  return chart.Html();
}

std::string Phases(const v1::LoadRun& run) {
  std::string html =
      "<section><h2>Latency by phase, milliseconds</h2>\n<table><tr><th></th><th>count</th>"
      "<th>min</th><th>mean</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th>"
      "</tr>\n";
  const auto row = [&html](const char* name, const v1::Latency& latency) {
    absl::StrAppendFormat(&html, "<tr><td>%s</td><td>%s</td>", name, Count(latency.count()));
    for (const double us :
         {static_cast<double>(latency.min_us()), latency.mean_us(),
          static_cast<double>(latency.p50_us()), static_cast<double>(latency.p90_us()),
          static_cast<double>(latency.p99_us()), static_cast<double>(latency.p999_us()),
          static_cast<double>(latency.max_us())}) {
      html += "<td>" + (latency.count() > 0 ? MillisecondsUs(us) : std::string(kNothing)) + "</td>";
    }
    html += "</tr>\n";
  };
  const bool open = IsOpenLoop(run.spec());
  if (open) row("from the planned start", run.from_intended_start());
  row("handshake", run.handshake());
  row("&emsp;connect", run.connect());
  row("&emsp;reply", run.reply());
  row("&emsp;close", run.close());
  if (open) row("send lag", run.send_lag());
  return html + "</table></section>\n";
}

std::string Failures(const v1::LoadRun& run) {
  if (run.failures().empty()) return "";
  std::string html =
      "<section><h2>Why handshakes failed</h2>\n<table><tr><th>reason</th><th>count</th>"
      "<th class=\"text\">meaning</th></tr>\n";
  for (const v1::VerdictCount& failure : run.failures()) {
    absl::StrAppendFormat(
        &html, "<tr><td class=\"bad\">%s</td><td>%s</td><td class=\"text\">%s</td></tr>\n",
        EscapeHtml(VerdictName(failure.verdict())), Count(failure.count()),
        EscapeHtml(VerdictText(failure.verdict())));
  }
  return html + "</table></section>\n";
}

std::string Repeat(const v1::LoadRun& run) {
  return absl::StrFormat(
      "<section><details open><summary>To repeat this run</summary>\n"
      "<p class=\"faint\">Save it as a file, then <code>handshake-client load --file FILE</code>"
      "</p>\n<pre>%s</pre></details></section>\n",
      EscapeHtml(JsonOfSet(run.spec())));
}

}  // namespace

std::string HtmlReport(const v1::LoadRun& run) {
  const std::vector<v1::LoadPoint> points = PointsOf(run);
  std::string html = absl::StrFormat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>Load on %s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
      EscapeHtml(run.spec().target()), kStyle);
  html += Header(run) + Tiles(run) + "<div class=\"charts\">\n";
  if (!points.empty()) {
    html += LatencyOverTime(run, points) + Events(run) + Throughput(run, points) +
            PercentileCurve(run) + Errors(run, points) + InFlight(run, points);
  } else {
    html += PercentileCurve(run) + Events(run);
  }
  html += "</div>\n" + Phases(run) + Failures(run) + Repeat(run);
  return html + absl::StrFormat("<footer>handshake %s</footer>\n</main>\n</body>\n</html>\n",
                                EscapeHtml(text::Version()));
}

}  // namespace handshake::report

#include "control/report/html_chart.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"

namespace handshake::report {
namespace {

// The picture's own units; it is stretched anyway.
constexpr double kWidth = 1'000;
constexpr double kHeight = 300;
constexpr double kMostTicks = 6;
constexpr size_t kMostTickMarks = 20;  // where numbers are too coarse to tell them apart
constexpr double kDecadesWithAllTicks = 2;
// Of the width: what a label along a mark takes where the picture is narrow.
constexpr double kLabelWidth = 0.06;

std::string Percent(double share) { return absl::StrFormat("%.2f%%", share * 100); }

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' && c != '\n' ? '?' : c;
    }
  }
  return out;
}

double RoundUp(double value) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * decade >= value * (1 - 1e-9)) return step * decade;
  }
  return 10 * decade;
}

double Axis::At(double value) const {
  const auto scale = [this](double v) { return logarithmic ? std::log10(std::max(v, low)) : v; };
  const double range = scale(high) - scale(low);
  return range > 0 ? std::clamp((scale(value) - scale(low)) / range, 0.0, 1.0) : 0;
}

std::vector<double> Axis::Ticks() const {
  std::vector<double> ticks;
  if (!logarithmic) {
    const double step = RoundUp(std::max((high - low) / kMostTicks, 1e-9));
    for (double n = std::ceil(low / step);
         n * step <= high * (1 + 1e-9) && ticks.size() < kMostTickMarks; ++n) {
      ticks.push_back(n * step);
    }
    return ticks;
  }
  const bool all = std::log10(high / low) <= kDecadesWithAllTicks;
  for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double tick = decade * step;
      const bool within = tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9);
      if (within && (all || step == 1)) ticks.push_back(tick);
    }
  }
  return ticks;
}

std::string Chart::X(double x) const { return absl::StrFormat("%.1f", x_.At(x) * kWidth); }
std::string Chart::Y(double y) const { return absl::StrFormat("%.1f", (1 - y_.At(y)) * kHeight); }

void Chart::AddLegend(std::string_view name, int colour) {
  absl::StrAppendFormat(&legend_, "<span class=\"key c%d\">%s</span>", colour, EscapeHtml(name));
}

void Chart::AddSteps(std::string_view name, int colour, const std::vector<Step>& steps) {
  AddLegend(name, colour);
  std::string path;
  bool drawing = false;
  for (const Step& step : steps) {
    if (!step.missing) {
      path += drawing ? "V" + Y(step.value) : "M" + X(step.from) + " " + Y(step.value);
      path += "H" + X(step.to);
    }
    drawing = !step.missing;
  }
  absl::StrAppendFormat(&shapes_, "<path class=\"line c%d\" d=\"%s\"/>", colour, path);
}

void Chart::AddLine(std::string_view name, int colour,
                    const std::vector<std::pair<double, double>>& line) {
  AddLegend(name, colour);
  std::string path;
  for (const auto& [x, y] : line) path += (path.empty() ? "M" : "L") + X(x) + " " + Y(y);
  absl::StrAppendFormat(&shapes_, "<path class=\"line c%d\" d=\"%s\"/>", colour, path);
}

void Chart::AddBars(std::string_view name, int colour, const std::vector<Step>& steps,
                    std::vector<double>& below) {
  AddLegend(name, colour);
  std::string path;
  below.resize(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].value <= 0) continue;
    path += "M" + X(steps[i].from) + " " + Y(below[i]);
    below[i] += steps[i].value;
    path += "V" + Y(below[i]) + "H" + X(steps[i].to) + "V" + Y(below[i] - steps[i].value) + "Z";
  }
  absl::StrAppendFormat(&shapes_, "<path class=\"bar c%d\" d=\"%s\"/>", colour, path);
}

void Chart::AddMark(double x, int number, std::string_view label) {
  if (x < x_.low || x > x_.high) return;
  marks_.push_back({.at = x_.At(x), .number = number, .label = EscapeHtml(label)});
}

std::string Chart::Marks() const {
  std::string html;
  for (size_t i = 0; i < marks_.size(); ++i) {
    const Mark& mark = marks_[i];
    absl::StrAppendFormat(&html, "<i class=\"mark%s\" style=\"left:%s\"><b>%d</b>",
                          mark.label.empty() ? "" : " switch", Percent(mark.at), mark.number);
    const bool before = mark.at > 1 - kLabelWidth;
    const double from = i == 0 ? 0 : marks_[i - 1].at;
    const double to = i + 1 == marks_.size() ? 1 : marks_[i + 1].at;
    const double room = before ? mark.at - from : to - mark.at;
    if (!mark.label.empty() && room >= kLabelWidth) {
      html += before ? "<u class=\"before\">" : "<u>";
      html += mark.label + "</u>";
    }
    html += "</i>";
  }
  return html;
}

void Chart::AddHover(double from, double to, std::string_view text) {
  const double left = x_.At(from) * kWidth;
  absl::StrAppendFormat(&hovers_,
                        "<rect x=\"%.1f\" width=\"%.1f\" height=\"%.0f\"><title>%s</title></rect>",
                        left, x_.At(to) * kWidth - left, kHeight, EscapeHtml(text));
}

std::string Chart::Html() const {
  std::string grid;
  std::string labels;
  for (const double tick : y_.Ticks()) {
    absl::StrAppendFormat(&grid, "<path class=\"grid\" d=\"M0 %sH%.0f\"/>", Y(tick), kWidth);
    absl::StrAppendFormat(&labels, "<i class=\"y\" style=\"top:%s\">%s</i>",
                          Percent(1 - y_.At(tick)), EscapeHtml(y_.label(tick)));
  }
  for (const double tick : x_.Ticks()) {
    absl::StrAppendFormat(&labels, "<i class=\"x\" style=\"left:%s\">%s</i>", Percent(x_.At(tick)),
                          EscapeHtml(x_.label(tick)));
  }
  return absl::StrFormat(
      "<figure><figcaption><h2>%s</h2><div class=\"legend\">%s</div></figcaption>\n"
      "<div class=\"plot\"><svg viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"none\" "
      "role=\"img\" aria-label=\"%s\">%s%s<g class=\"hover\">%s</g></svg>%s%s</div>\n</figure>\n",
      EscapeHtml(title_), legend_, kWidth, kHeight, EscapeHtml(title_), grid, shapes_, hovers_,
      labels, Marks());
}

}  // namespace handshake::report

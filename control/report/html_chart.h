// A chart as HTML and inline SVG: needs no script, and no network. The lines are drawn in a picture
// that is stretched to its place; all text stands beside it, so that it is readable at any width.
// Its colours are the classes and variables of html_report.cc.
#ifndef HANDSHAKE_CONTROL_REPORT_HTML_CHART_H_
#define HANDSHAKE_CONTROL_REPORT_HTML_CHART_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace handshake::report {

// Text for HTML, in an element or a quoted attribute; control characters become '?'.
std::string EscapeHtml(std::string_view text);

// From `low` to `high`, above it; logarithmic ones from above 0. Both are moved apart if they must.
struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::function<std::string(double)> label;

  double At(double value) const;      // 0 to 1, cut to it
  std::vector<double> Ticks() const;  // at most 7, round numbers
};

// Some round number, 1, 2 or 5 and zeros, not below `value` > 0.
double RoundUp(double value);

// A value as long as it held.
struct Step {
  double from = 0;
  double to = 0;
  double value = 0;
  bool missing = false;  // the line has a gap
};

// Built and written by one thread. Names and texts are escaped here.
class Chart {
 public:
  Chart(std::string title, Axis x, Axis y) : title_(std::move(title)), x_(x), y_(y) {}

  // colour: 1 to 6, a CSS class. Drawn in this order.
  void AddSteps(std::string_view name, int colour, const std::vector<Step>& steps);
  void AddLine(std::string_view name, int colour,
               const std::vector<std::pair<double, double>>& line);
  // Bars that stand on each other: the base of a bar is what `below` says, and is raised by it.
  void AddBars(std::string_view name, int colour, const std::vector<Step>& steps,
               std::vector<double>& below);
  // A vertical line with a number and, unless the next mark is too near, a label along it: what is
  // the case from there on. One that lies beside the x axis is left out. In the order of x.
  void AddMark(double x, int number, std::string_view label);
  // What is shown while the pointer is at this part of the x axis.
  void AddHover(double from, double to, std::string_view text);

  std::string Html() const;

 private:
  struct Mark {
    double at;  // 0 to 1
    int number;
    std::string label;  // as HTML
  };
  std::string X(double x) const;
  std::string Y(double y) const;
  std::string Marks() const;
  void AddLegend(std::string_view name, int colour);

  std::string title_;
  Axis x_;
  Axis y_;
  std::string legend_;
  std::string shapes_;
  std::string hovers_;
  std::vector<Mark> marks_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_HTML_CHART_H_

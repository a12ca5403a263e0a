#include "control/report/table.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "control/report/humane.h"

namespace handshake::report {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kCut = "..";
constexpr size_t kMinTextWidth = 8;    // a cut column keeps at least this much
constexpr size_t kMinProseWidth = 20;  // as does prose

std::string_view Escape(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kHeader:
      return "\x1b[1m";
    case Tone::kFaint:
      return "\x1b[2m";
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kWarning:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[31m";
  }
  return "";
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  lines.push_back(text);
  return lines;
}

// Breaks at spaces; a word longer than a line is cut into pieces.
std::string Cut(std::string text, size_t width) {
  if (text.size() <= width) return text;
  text.resize(width - kCut.size());
  return text + std::string(kCut);
}

void Pad(std::string& out, size_t spaces) { out.append(spaces, ' '); }

void EndLine(std::string& out) {
  while (!out.empty() && out.back() == ' ') out.pop_back();
  out += '\n';
}

}  // namespace

std::string Paint(Tone tone, std::string_view text, Style style) {
  const std::string_view escape = Escape(tone);
  if (!style.colour || escape.empty() || text.empty()) return std::string(text);
  return std::string(escape) + std::string(text) + "\x1b[0m";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::Add(std::vector<Cell> cells) {
  assert(cells.size() == columns_.size());
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::Render(Style style) const { return RenderHeader(style) + RenderRows(style); }

std::string Table::RenderHeader(Style style) const {
  std::string out;
  AppendHeader(out, Widths(), style);
  return out;
}

std::string Table::RenderRows(Style style) const {
  const std::vector<size_t> widths = Widths();
  std::string out;
  for (const std::vector<Cell>& row : rows_) AppendRow(out, row, widths, style);
  return out;
}

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].min_width;
    for (std::string_view line : Lines(columns_[i].header)) width = std::max(width, line.size());
    for (const std::vector<Cell>& row : rows_) width = std::max(width, row[i].text.size());
    widths.push_back(width);
  }
  const size_t gaps = kGap.size() * (columns_.size() - 1);
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), gaps); };
  // Prose gives way first, then the widest text.
  if (columns_.back().kind == Column::Kind::kProse && total() > kMaxWidth) {
    const size_t excess = total() - kMaxWidth;
    size_t& prose = widths.back();
    prose = std::max(std::min(prose, kMinProseWidth), prose - std::min(prose, excess));
  }
  while (total() > kMaxWidth) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].kind == Column::Kind::kText && (!widest || widths[i] > *widest)) {
        widest = &widths[i];
      }
    }
    if (!widest || *widest <= kMinTextWidth) break;
    --*widest;
  }
  return widths;
}

void Table::AppendHeader(std::string& out, const std::vector<size_t>& widths, Style style) const {
  size_t height = 0;
  for (const Column& column : columns_) {
    if (!column.header.empty()) height = std::max(height, Lines(column.header).size());
  }
  for (size_t at = 0; at < height; ++at) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::vector<std::string_view> lines = Lines(columns_[i].header);
      const size_t missing = height - lines.size();  // short headers stand on the last line
      const std::string_view text = at < missing ? std::string_view() : lines[at - missing];
      const size_t spaces = widths[i] - text.size();
      if (i > 0) line += kGap;
      if (columns_[i].kind == Column::Kind::kNumber) Pad(line, spaces);
      line += text;
      if (columns_[i].kind != Column::Kind::kNumber) Pad(line, spaces);
    }
    EndLine(line);
    line.pop_back();
    out += Paint(Tone::kHeader, line, style) + '\n';
  }
}

void Table::AppendRow(std::string& out, const std::vector<Cell>& row,
                      const std::vector<size_t>& widths, Style style) const {
  size_t prose_at = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += kGap;
    if (columns_[i].kind == Column::Kind::kProse) {
      const std::vector<std::string_view> lines = Wrap(row[i].text, widths[i]);
      for (size_t at = 0; at < lines.size(); ++at) {
        if (at > 0) {
          EndLine(out);
          Pad(out, prose_at);
        }
        out += Paint(row[i].tone, lines[at], style);
      }
      continue;
    }
    const bool number = columns_[i].kind == Column::Kind::kNumber;
    const std::string text = number ? row[i].text : Cut(row[i].text, widths[i]);
    const size_t spaces = widths[i] - text.size();
    if (number) Pad(out, spaces);
    out += Paint(row[i].tone, text, style);
    if (!number) Pad(out, spaces);
    prose_at += widths[i] + kGap.size();
  }
  EndLine(out);
}

std::vector<std::string_view> Wrap(std::string_view text, size_t width) {
  std::vector<std::string_view> lines;
  while (text.size() > width) {
    size_t end = text.rfind(' ', width);
    if (end == std::string_view::npos || end == 0) end = width;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  lines.push_back(text);
  return lines;
}

Table Facts() { return Table({{"", Column::Kind::kText, 13}, {"", Column::Kind::kProse}}); }

}  // namespace handshake::report

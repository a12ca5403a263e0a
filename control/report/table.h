// Aligned text tables that never exceed 100 columns. Values, built and rendered by one thread.
#ifndef HANDSHAKE_CONTROL_REPORT_TABLE_H_
#define HANDSHAKE_CONTROL_REPORT_TABLE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace handshake::report {

inline constexpr size_t kMaxWidth = 100;  // columns

enum class Tone { kPlain, kHeader, kFaint, kGood, kWarning, kBad };

// Whether colour is wanted is the caller's decision: see terminal.h.
struct Style {
  bool colour = false;
};

// `text` in the colour of `tone`, or as it is.
std::string Paint(Tone tone, std::string_view text, Style style);

struct Cell {
  Cell(std::string cell_text, Tone cell_tone = Tone::kPlain)  // NOLINT: a text is a cell
      : text(std::move(cell_text)), tone(cell_tone) {}
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT: as above
  std::string text;
  Tone tone = Tone::kPlain;
};

struct Column {
  enum class Kind {
    kText,    // to the left; cut ("..") when the table would be too wide
    kNumber,  // to the right; never cut
    kProse,   // to the left, only as the last one: goes on below itself, word by word
  };
  std::string header;  // with its unit; '\n' starts a second line
  Kind kind = Kind::kNumber;
  size_t min_width = 0;  // for rows that are printed one at a time
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  void Add(std::vector<Cell> cells);  // one a column
  bool empty() const { return rows_.empty(); }

  // Each line ends with '\n' and has no spaces at its end. No column has a header: no header lines.
  std::string Render(Style style) const;
  std::string RenderHeader(Style style) const;
  std::string RenderRows(Style style) const;

 private:
  std::vector<size_t> Widths() const;
  void AppendHeader(std::string& out, const std::vector<size_t>& widths, Style style) const;
  void AppendRow(std::string& out, const std::vector<Cell>& row, const std::vector<size_t>& widths,
                 Style style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Lines of at most `width` characters, above 0, ended at spaces where there are any.
std::vector<std::string_view> Wrap(std::string_view text, size_t width);

// Names to the left, prose to the right: the form of pages about one thing.
Table Facts();

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_TABLE_H_

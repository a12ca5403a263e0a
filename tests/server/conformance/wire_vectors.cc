#include "tests/server/conformance/wire_vectors.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace handshake::test {
namespace {

using Kind = WireAction::Kind;

[[noreturn]] void Reject(std::string_view what) { throw std::invalid_argument(std::string(what)); }

// Reads the words of one script from the front.
class ScriptReader {
 public:
  explicit ScriptReader(std::string_view text) : rest_(text) {}

  std::vector<WireAction> ReadAll() {
    std::vector<WireAction> script;
    while (SkipSpaces()) script.push_back(ReadAction());
    return script;
  }

 private:
  bool SkipSpaces() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    return !rest_.empty();
  }

  WireAction ReadAction() {
    if (Take('>')) return {Kind::kSend, ReadText()};
    if (Take('<')) return {Kind::kExpect, ReadText()};
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    if (word == "read") return {Kind::kAwaitRead, {}};
    if (word == "grace") return {Kind::kAwaitGrace, {}};
    if (word == "step") return {Kind::kAwaitDeadline, {}};
    if (word == "shut") return {Kind::kShut, {}};
    if (word == "reset") return {Kind::kReset, {}};
    if (word == "fin") return {Kind::kSeeFin, {}};
    if (word == "rst") return {Kind::kSeeReset, {}};
    Reject("unknown word in the script");
  }

  std::string ReadText() {
    if (!Take('"')) Reject("expected a quoted text");
    std::string text;
    while (!Take('"')) text += ReadCharacter();
    if (!Take('*')) return text;
    const std::string digits(rest_.substr(0, rest_.find(' ')));
    rest_.remove_prefix(digits.size());
    std::string repeated;
    for (int i = std::stoi(digits); i > 0; --i) repeated += text;
    return repeated;
  }

  char ReadCharacter() {
    const char c = Next();
    if (c != '\\') return c;
    switch (Next()) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case '0':
        return '\0';
      case '\\':
        return '\\';
      case '"':
        return '"';
      case 'x': {
        const char digits[] = {Next(), Next(), '\0'};
        return static_cast<char>(std::stoi(digits, nullptr, 16));
      }
    }
    Reject("unknown escape");
  }

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  char Next() {
    if (rest_.empty()) Reject("the text has no end");
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
};

wire::Framing FramingByName(std::string_view name) {
  for (auto framing : {wire::Framing::kAuto, wire::Framing::kLine, wire::Framing::kBare}) {
    if (wire::FramingName(framing) == name) return framing;
  }
  Reject("unknown framing");
}

wire::Verdict VerdictByName(std::string_view name) {
  for (int i = 0; i < wire::kVerdictCount; ++i) {
    const auto verdict = static_cast<wire::Verdict>(i);
    if (wire::VerdictName(verdict) == name) return verdict;
  }
  Reject("unknown verdict");
}

WireVector ReadVector(std::string_view line) {
  constexpr std::string_view kSeparator = " | ";
  std::vector<std::string_view> columns;
  for (int i = 0; i < 3; ++i) {
    const size_t end = line.find(kSeparator);
    if (end == line.npos) Reject("expected four columns");
    columns.push_back(line.substr(0, end));
    line.remove_prefix(end + kSeparator.size());
  }
  WireVector vector{.name = std::string(columns[0]),
                    .framing = FramingByName(columns[1]),
                    .script = ScriptReader(columns[2]).ReadAll(),
                    .verdict = VerdictByName(line)};
  const Kind last = vector.script.empty() ? Kind::kSend : vector.script.back().kind;
  const bool ends = last == Kind::kReset || last == Kind::kSeeFin || last == Kind::kSeeReset;
  if (!ends) Reject("a script ends with reset, fin or rst");
  return vector;
}

std::vector<WireVector> ReadFile() {
  std::ifstream file(HANDSHAKE_WIRE_VECTORS_FILE);
  std::vector<WireVector> vectors;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    try {
      vectors.push_back(ReadVector(line));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s:%d: %s\n", HANDSHAKE_WIRE_VECTORS_FILE, number, error.what());
      std::exit(1);
    }
  }
  return vectors;
}

}  // namespace

bool WireVector::Has(WireAction::Kind kind) const {
  return std::any_of(script.begin(), script.end(),
                     [kind](const WireAction& action) { return action.kind == kind; });
}

void PrintTo(const WireVector& vector, std::ostream* out) { *out << vector.name; }

const std::vector<WireVector>& WireVectors() {
  static const std::vector<WireVector> vectors = ReadFile();
  return vectors;
}

}  // namespace handshake::test

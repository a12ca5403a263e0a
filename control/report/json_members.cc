#include "control/report/json_members.h"

#include <cctype>
#include <utility>

namespace handshake::report {
namespace {

constexpr int kDeepest = 100;

// Walks over a text once; the first error ends the walk.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  JsonObject TopObject() {
    JsonObject object;
    Blanks();
    if (Object(0, &object.members)) {
      Blanks();
      if (at_ < text_.size()) Fail("nothing may follow the last '}'");
    }
    object.error = std::move(error_);
    return object;
  }

 private:
  bool Fail(std::string what) {
    if (!error_) error_ = JsonError{.offset = at_, .what = std::move(what)};
    return false;
  }
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void Blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool Object(int depth, std::vector<JsonMember>* members) {
    if (!Take('{')) return Fail("'{' is expected");
    Blanks();
    if (Take('}')) return true;
    while (true) {
      Blanks();
      const size_t key = at_;
      if (Next() != '"') return Fail("a name in double quotes is expected");
      if (!String()) return false;
      const std::string_view name = text_.substr(key + 1, at_ - key - 2);
      Blanks();
      if (!Take(':')) return Fail("':' is expected");
      Blanks();
      const size_t value = at_;
      if (!Value(depth + 1)) return false;
      if (members != nullptr) members->push_back({name, text_.substr(value, at_ - value)});
      Blanks();
      if (Take('}')) return true;
      if (!Take(',')) return Fail("',' or '}' is expected");
    }
  }

  bool Array(int depth) {
    Take('[');
    Blanks();
    if (Take(']')) return true;
    while (true) {
      Blanks();
      if (!Value(depth + 1)) return false;
      Blanks();
      if (Take(']')) return true;
      if (!Take(',')) return Fail("',' or ']' is expected");
    }
  }

  bool Value(int depth) {
    if (depth > kDeepest) return Fail("too deep");
    switch (Next()) {
      case '{':
        return Object(depth, nullptr);
      case '[':
        return Array(depth);
      case '"':
        return String();
      default:
        return Word();
    }
  }

  bool String() {
    Take('"');
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < ' ') return Fail("'\"' is expected");
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    return Take('"') || (at_ = text_.size(), Fail("'\"' is expected"));
  }

  // A number, true, false or null.
  bool Word() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
            std::string_view("+-.").find(text_[at_]) != std::string_view::npos)) {
      ++at_;
    }
    const std::string_view word = text_.substr(start, at_ - start);
    const bool literal = word == "true" || word == "false" || word == "null";
    const bool number = !word.empty() && (std::isdigit(static_cast<unsigned char>(word.front())) ||
                                          word.front() == '-');
    if (literal || number) return true;  // protobuf looks closer at numbers
    at_ = start;
    return Fail("a value is expected");
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<JsonError> error_;
};

}  // namespace

JsonObject ParseJsonObject(std::string_view text) { return Walk(text).TopObject(); }

}  // namespace handshake::report

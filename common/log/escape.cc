#include "common/log/escape.h"

#include <array>
#include <cstdint>

#include "common/text/utf8.h"

namespace handshake::log {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void AppendHex(std::string& to, std::string_view prefix, char c) {
  const auto byte = static_cast<uint8_t>(c);
  to += prefix;
  to += kHex[byte >> 4];
  to += kHex[byte & 0xf];
}

// \n, \r, \t and \\, which both forms share.
bool AppendShort(std::string& to, char c) {
  switch (c) {
    case '\n':
      to += "\\n";
      return true;
    case '\r':
      to += "\\r";
      return true;
    case '\t':
      to += "\\t";
      return true;
    case '\\':
      to += "\\\\";
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string Escape(std::string_view peer_bytes, size_t most) {
  std::string escaped;
  for (char c : peer_bytes.substr(0, most)) {
    if (AppendShort(escaped, c)) continue;
    if (c >= ' ' && c <= '~') {
      escaped += c;
    } else {
      AppendHex(escaped, "\\x", c);
    }
  }
  if (peer_bytes.size() > most) escaped += "...";
  return escaped;
}

std::string EscapeJson(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const size_t length = text::Utf8Length(text);
    const char c = text.front();
    if (length == 0) {
      escaped += "\\ufffd";
    } else if (length > 1) {
      escaped += text.substr(0, length);
    } else if (c == '"') {
      escaped += "\\\"";
    } else if (!AppendShort(escaped, c)) {
      if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
        AppendHex(escaped, "\\u00", c);
      } else {
        escaped += c;
      }
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

}  // namespace handshake::log

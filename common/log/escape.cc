#include "common/log/escape.h"

#include <array>
#include <cstdint>

namespace handshake::log {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// Bytes of the well-formed UTF-8 character at the head of `text` (not empty); 0 if there is none.
size_t Utf8Length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

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

std::string Escape(std::string_view peer_bytes) {
  std::string escaped;
  for (char c : peer_bytes.substr(0, kMaxPeerBytes)) {
    if (AppendShort(escaped, c)) continue;
    if (c >= ' ' && c <= '~') {
      escaped += c;
    } else {
      AppendHex(escaped, "\\x", c);
    }
  }
  if (peer_bytes.size() > kMaxPeerBytes) escaped += "...";
  return escaped;
}

std::string EscapeJson(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
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

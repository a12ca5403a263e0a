// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
#ifndef HANDSHAKE_COMMON_TEXT_UTF8_H_
#define HANDSHAKE_COMMON_TEXT_UTF8_H_

#include <cstddef>
#include <string_view>

namespace handshake::text {

// Bytes of the well-formed character at the head of `text` (not empty): 1 to 4; 0 if there is none.
size_t Utf8Length(std::string_view text);

// Is all of it well-formed? Empty text is.
bool IsUtf8(std::string_view text);

}  // namespace handshake::text

#endif  // HANDSHAKE_COMMON_TEXT_UTF8_H_

// The messages of the handshake for the C++ rivals, whole lines only.
#ifndef HANDSHAKE_TESTS_BENCH_RIVALS_HELLO_H_
#define HANDSHAKE_TESTS_BENCH_RIVALS_HELLO_H_

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

// X of "HELLO X\n".
inline std::optional<int64_t> ReadHello(std::string_view text) {
  if (!text.starts_with("HELLO ") || !text.ends_with('\n')) return std::nullopt;
  int64_t x = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data() + 6, end, x);
  if (error != std::errc() || stop != end) return std::nullopt;
  return x;
}

// Writes "HELLO X\n" to `text`, of 32 bytes or more; returns its size.
inline size_t WriteHello(char* text, int64_t x) {
  std::memcpy(text, "HELLO ", 6);
  char* end = std::to_chars(text + 6, text + 31, x).ptr;
  *end = '\n';
  return static_cast<size_t>(end + 1 - text);
}

#endif  // HANDSHAKE_TESTS_BENCH_RIVALS_HELLO_H_

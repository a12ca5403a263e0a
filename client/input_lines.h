// The lines of the input, checked before any of them is sent.
#ifndef HANDSHAKE_CLIENT_INPUT_LINES_H_
#define HANDSHAKE_CLIENT_INPUT_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace handshake::client {

// Cuts bytes into lines, each with its LF, but for the last one, which need not have one. Holds
// what Add() was given and Next() did not take. One thread.
class InputLines {
 public:
  enum class Result : uint8_t { kLine, kNone, kTooLong, kNotUtf8 };

  // max_bytes: of a line, LF included, whether the last one has it or not.
  explicit InputLines(size_t max_bytes) : max_bytes_(max_bytes) {}

  void Add(std::string_view bytes);
  void End() { ended_ = true; }

  // kLine: *line is the next one, valid until the next call. kNone: no more until Add() or End().
  // Else: line number() may not be sent; ask no more.
  Result Next(std::string_view* line);
  // Of the line that Next() spoke of last, from 1.
  int64_t number() const { return number_; }
  // "line 3 of the input is ...", for these two results.
  std::string Problem(Result result) const;

 private:
  const size_t max_bytes_;
  std::string held_;
  size_t taken_ = 0;  // bytes of held_ that were handed out
  bool ended_ = false;
  int64_t number_ = 0;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_INPUT_LINES_H_

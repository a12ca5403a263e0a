// The answers of the protocol `command`, cut out of the server's stream.
#ifndef HANDSHAKE_CLIENT_ANSWER_READER_H_
#define HANDSHAKE_CLIENT_ANSWER_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace handshake::client {

// Bytes of a message, request or answer, its empty line included.
inline constexpr size_t kMaxFrameBytes = 8'192;

struct Answer {
  std::string first;                 // "OK PONG", "ERROR MALFORMED line 3 has no colon"
  std::vector<std::string> headers;  // "Name: value"
};

// A line ends with LF, one CR before it is not part of it; an empty line ends an answer. Holds what
// Add() was given and Next() did not take. One thread.
class AnswerReader {
 public:
  // kNoAnswer: what comes is longer than an answer, or does not begin with OK or ERROR; ask no
  // more.
  enum class Result : uint8_t { kAnswer, kNone, kNoAnswer };

  void Add(std::string_view bytes) { held_ += bytes; }
  Result Next(Answer* answer);
  // What was added and is no answer yet.
  std::string_view rest() const { return held_; }

 private:
  std::string held_;
};

// Of a first line: does it say OK, and what it says behind that. "OK" if there is nothing and
// `headers` neither.
bool IsOk(std::string_view first);
// An answer as it is printed, a line each: what is behind OK, then the headers; OK if that is none.
std::string Printed(const Answer& answer);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_ANSWER_READER_H_

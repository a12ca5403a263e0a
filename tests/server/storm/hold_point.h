// The points at which a storm client falls silent in the middle of its handshake.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_HOLD_POINT_H_
#define HANDSHAKE_TESTS_SERVER_STORM_HOLD_POINT_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace handshake::test {

enum class HoldPoint : uint8_t {
  kNever,          // goes on as fast as it can
  kNothingSent,    // connected
  kHalfHello,      // a part of message 1 sent
  kAnswerNotRead,  // message 1 sent
  kAnswerRead,     // message 2 read
  kHalfConfirm,    // a part of message 3 sent
  kAnswerCut,      // silent is the server: the test binary holds its answer back, see answer_cut.h
};
inline constexpr int kHoldPointCount = 7;

inline constexpr std::array<std::string_view, kHoldPointCount> kHoldPointNames = {
    "never",       "nothing_sent", "half_hello", "answer_not_read",
    "answer_read", "half_confirm", "answer_cut"};

// A client at kAnswerCut opens with a number from here on, all others stay below: so the test
// binary knows by the answer alone that it is one to be cut.
inline constexpr int64_t kCutSequenceBase = 9'000'000'000'000'000'000;
inline constexpr std::string_view kCutAnswerPrefix = "HELLO 9000000000";

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_HOLD_POINT_H_

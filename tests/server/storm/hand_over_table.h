// What was handed over to the lobby, by the pair of modes and the state of the handshake. It looks
// on at Ledger::CountHandedOver through the linker's --wrap, so that the product need not know.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_HAND_OVER_TABLE_H_
#define HANDSHAKE_TESTS_SERVER_STORM_HAND_OVER_TABLE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/door/mode.h"

namespace handshake::test {

// Every state in which a server can be silent with a client that obeys the protocol.
enum class HandOverState : uint8_t {
  kNothingRead,
  kPartOfHello,
  kAnswerCut,  // a part of message 2 written
  kAnswered,
  kPartOfConfirm,
};
inline constexpr int kHandOverStateCount = 5;
inline constexpr std::array<std::string_view, kHandOverStateCount> kHandOverStateNames = {
    "nothing read", "part of hello", "answer cut", "answered", "part of confirm"};

// One for the process. Any thread counts; the switching thread says which pair it is.
class HandOverTable {
 public:
  // Hand-overs from here on belong to this switch.
  static void Open(server::Mode from, server::Mode to);
  // They may belong to more than one switch: not counted.
  static void Close();
  static void Clear();

  static int64_t Count(server::Mode from, server::Mode to, HandOverState state);
  // The smallest count of all pairs of different modes and all states.
  static int64_t LeastFilled();
  // A line a pair.
  static std::string ToString();
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_HAND_OVER_TABLE_H_

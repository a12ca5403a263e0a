// Messages that tests of pages show.
#ifndef HANDSHAKE_TESTS_CONTROL_REPORT_MESSAGES_H_
#define HANDSHAKE_TESTS_CONTROL_REPORT_MESSAGES_H_

#include <cstdint>
#include <limits>
#include <string>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "handshake/v1/types.pb.h"

namespace handshake::report {

inline constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

google::protobuf::Duration Us(int64_t us);
v1::Latency ALatency(int64_t count);

// Sets every number, text and list of a message, nested ones too, to something extreme.
void Fill(google::protobuf::Message& message, int64_t number, const std::string& text);

// No line is wider than a page, or ends with a space.
void ExpectFits(const std::string& text);

template <class Message>
Message Filled(int64_t number, const std::string& text) {
  Message message;
  Fill(message, number, text);
  return message;
}

}  // namespace handshake::report

#endif  // HANDSHAKE_TESTS_CONTROL_REPORT_MESSAGES_H_

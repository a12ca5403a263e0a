#include "tests/control/report/messages.h"

#include <gtest/gtest.h>

#include <sstream>

#include "control/report/table.h"

namespace handshake::report {

google::protobuf::Duration Us(int64_t us) {
  google::protobuf::Duration span;
  span.set_seconds(us / 1'000'000);
  span.set_nanos(static_cast<int32_t>(us % 1'000'000 * 1'000));
  return span;
}

v1::Latency ALatency(int64_t count) {
  v1::Latency latency;
  latency.set_count(count);
  latency.set_min_us(50);
  latency.set_mean_us(230.5);
  latency.set_p50_us(200);
  latency.set_p90_us(400);
  latency.set_p99_us(1'250);
  latency.set_p999_us(12'500);
  latency.set_max_us(125'000);
  return latency;
}

void Fill(google::protobuf::Message& message, int64_t number, const std::string& text) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (type.full_name().starts_with("google.protobuf.")) {
    reflection.SetInt64(&message, type.FindFieldByName("seconds"), number < 0 ? -5 : 253402300799);
    return;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated()) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        for (int n = 0; n < 2; ++n) Fill(*reflection.AddMessage(&message, field), number, text);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
        for (int n = 0; n < 2; ++n) reflection.AddInt64(&message, field, number);
      } else {
        for (int n = 0; n < 9; ++n) reflection.AddString(&message, field, text);
      }
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, field, number);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection.SetDouble(&message, field, static_cast<double>(number));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, field, number > 0);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(&message, field, text);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(&message, field, 2);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(*reflection.MutableMessage(&message, field), number, text);
        break;
      default:
        FAIL() << "a field of an unexpected type: " << field->full_name();
    }
  }
}

void ExpectFits(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    EXPECT_LE(line.size(), kMaxWidth) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << "space at the end of: " << line;
  }
}

}  // namespace handshake::report

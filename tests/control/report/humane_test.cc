#include "control/report/humane.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

TEST(HumaneTest, Counts) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1'000), "1,000");
  EXPECT_EQ(Count(9'999'999), "9,999,999");
  EXPECT_EQ(Count(10'000'000), "10.0M");
  EXPECT_EQ(Count(-1'234), "-1,234");
  EXPECT_EQ(Count(kHuge), "9.22E");
  EXPECT_EQ(Count(kLowest), "-9.22E");
}

TEST(HumaneTest, Rates) {
  EXPECT_EQ(Rate(0), "0/s");
  EXPECT_EQ(Rate(0.853), "0.85/s");
  EXPECT_EQ(Rate(12'345), "12.3k/s");
  EXPECT_EQ(Rate(999.6), "1.00k/s");
  EXPECT_EQ(Rate(99.96), "100/s");
  EXPECT_EQ(Rate(-12), "-12.0/s");
  EXPECT_EQ(Rate(std::numeric_limits<double>::quiet_NaN()), "-/s");
  EXPECT_EQ(Short(std::numeric_limits<double>::infinity()), "-");
}

TEST(HumaneTest, BytesAndTimes) {
  EXPECT_EQ(Bytes(0), "0 B");
  EXPECT_EQ(Bytes(999), "999 B");
  EXPECT_EQ(Bytes(50'440'000), "48.1 MiB");
  EXPECT_EQ(Bytes(kHuge), "8.00 EiB");
  EXPECT_EQ(SpanUs(0), "0 s");
  EXPECT_EQ(SpanUs(850), "850 us");
  EXPECT_EQ(SpanUs(1'250), "1.25 ms");
  EXPECT_EQ(SpanUs(2'500'000), "2.50 s");
  EXPECT_EQ(SpanUs(59.96e6), "1m 00s");
  EXPECT_EQ(Span(Us(125'000'000)), "2m 05s");
  EXPECT_EQ(Span(Us(3'723'000'000)), "1h 02m 03s");
  EXPECT_EQ(Span(Us(273'600'000'000)), "3d 04h");
  EXPECT_EQ(Span(Us(-1'250)), "-1.25 ms");
  EXPECT_EQ(MillisecondsUs(1), "0.001");
  EXPECT_EQ(MillisecondsUs(85), "0.085");
  EXPECT_EQ(MillisecondsUs(1'250), "1.25");
  EXPECT_EQ(MillisecondsUs(1'250'000), "1250");
  EXPECT_EQ(ShortCount(7), "7");
  EXPECT_EQ(ShortCount(kLowest), "-9.22E");
  EXPECT_EQ(DateTime({}), "-");
  google::protobuf::Timestamp time;
  time.set_seconds(1'748'786'585);
  EXPECT_EQ(DateTime(time), "2025-06-01 14:03:05Z");
  EXPECT_EQ(TimeOfDay(time), "14:03:05");
}

TEST(HumaneTest, NothingFromTheNetworkMovesTheCursor) {
  EXPECT_EQ(Printable("a\x1b[2J\n\t\xc3\xa9\x7f"), "a?[2J?????");
}

}  // namespace
}  // namespace handshake::report

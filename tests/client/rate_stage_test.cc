#include "client/rate_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace handshake::client {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST(RateStageTest, AHoldAndARampAreReadAndWritten) {
  EXPECT_EQ(*ParseRateStage("30s:5000"), (RateStage{30s, 5'000, 5'000}));
  EXPECT_EQ(*ParseRateStage("10s:100..5000"), (RateStage{10s, 100, 5'000}));
  EXPECT_EQ(*ParseRateStage("1.5m:0.5..0"), (RateStage{90s, 0.5, 0}));
  for (const char* text : {"30s:5000", "10s:100..5000", "250ms:0.5..0", "1s:1000000"}) {
    EXPECT_EQ(FormatRateStage(*ParseRateStage(text)), text);
  }
}

TEST(RateStageTest, ABadOneIsRefusedWithTheColumnAndWhatBelongsThere) {
  const struct {
    const char* text;
    const char* says;
  } kCases[] = {
      {"", "stage '', column 1: ':' and a rate are missing"},
      {"10s", "stage '10s', column 4: ':' and a rate are missing"},
      {":5", "column 1: '' is not a duration"},
      {"ten:5", "column 1: 'ten' is not a duration"},
      {"-1s:5", "column 1: '-1s' is not a duration"},
      {"0s:5", "column 1: a stage lasts longer than 0"},
      {"10s:", "column 5: '' is not a rate: a number from 0 to 1000000"},
      {"10s:x", "column 5: 'x' is not a rate"},
      {"10s:-5", "column 5: '-5' is not a rate"},
      {"10s:5/s", "column 5: '5/s' is not a rate"},
      {"10s:nan", "column 5: 'nan' is not a rate"},
      {"10s:1000001", "column 5: '1000001' is not a rate"},
      {"10s:100..", "column 10: '' is not a rate"},
      {"10s:100..inf", "column 10: 'inf' is not a rate"},
      {"10s:1..2..3", "column 8: '2..3' is not a rate"},
      {"10s:100 ..5", "column 5: '100 ' is not a rate"},
  };
  for (const auto& c : kCases) {
    const auto stage = ParseRateStage(c.text);
    ASSERT_EQ(stage.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(stage.status().message()), HasSubstr(c.says));
  }
}

}  // namespace
}  // namespace handshake::client

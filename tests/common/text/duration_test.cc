#include "common/text/duration.h"

#include <gtest/gtest.h>

namespace handshake::text {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsANumberAndAUnit) {
  EXPECT_EQ(*ParseDuration("500ms"), 500ms);
  EXPECT_EQ(*ParseDuration("5s"), 5s);
  EXPECT_EQ(*ParseDuration("1m"), 1min);
  EXPECT_EQ(*ParseDuration("2h"), 2h);
  EXPECT_EQ(*ParseDuration("1.5s"), 1500ms);
  EXPECT_EQ(*ParseDuration("0.25ms"), 250us);
  EXPECT_EQ(*ParseDuration("7ns"), 7ns);
  EXPECT_EQ(*ParseDuration("0"), 0s);
  EXPECT_EQ(*ParseDuration("0s"), 0s);
}

TEST(ParseDuration, RefusesAnythingElse) {
  for (const char* text : {"", "5", "s", "-1s", "+1s", "1 s", "1s ", "1e3s", "0x5s", "nans", "infs",
                           "1d", "1m30s", "1..5s", "9999999999999h", "-0s"}) {
    const auto parsed = ParseDuration(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_NE(ParseDuration("5").status().message().find("a number and a unit"), std::string::npos);
}

TEST(FormatDuration, PicksAUnit) {
  EXPECT_EQ(FormatDuration(0s), "0s");
  EXPECT_EQ(FormatDuration(7ns), "7ns");
  EXPECT_EQ(FormatDuration(250us), "250us");
  EXPECT_EQ(FormatDuration(1500ms), "1.5s");
  EXPECT_EQ(FormatDuration(90s), "90s");
  EXPECT_EQ(FormatDuration(2min), "2m");
  EXPECT_EQ(FormatDuration(100s), "100s");
  EXPECT_EQ(FormatDuration(1234567ns), "1.235ms");
}

TEST(FormatDuration, IsReadBack) {
  for (auto duration : {1ms, 250ms, 999ms, 1000ms, 1001ms, 59999ms, 60000ms, 3600000ms}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(duration)), duration) << FormatDuration(duration);
  }
}

}  // namespace
}  // namespace handshake::text

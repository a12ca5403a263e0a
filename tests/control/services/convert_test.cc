#include "control/services/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace handshake::control {
namespace {

using namespace std::chrono_literals;

TEST(Convert, VerdictsHaveTheSameNamesAndNumbers) {
  ASSERT_EQ(v1::Verdict_descriptor()->value_count(), wire::kVerdictCount);
  for (int i = 1; i < wire::kVerdictCount; ++i) {
    const auto verdict = static_cast<wire::Verdict>(i);
    EXPECT_EQ(v1::Verdict_Name(ToProto(verdict)),
              "VERDICT_" + std::string(wire::VerdictName(verdict)));
  }
  EXPECT_EQ(ToProto(wire::Verdict::kNone), v1::VERDICT_UNSPECIFIED);
}

TEST(Convert, ModesHaveTheSameNames) {
  EXPECT_EQ(v1::Mode_descriptor()->value_count(), server::kModeCount + 1);
  for (server::Mode mode : server::kModes) {
    std::string name = "MODE_";
    for (char c : server::ModeName(mode)) {
      name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    }
    EXPECT_EQ(v1::Mode_Name(ToProto(mode)), name);
    EXPECT_EQ(FromProto(ToProto(mode)), mode);
  }
  EXPECT_EQ(FromProto(v1::MODE_UNSPECIFIED), std::nullopt);
  EXPECT_EQ(FromProto(static_cast<v1::Mode>(99)), std::nullopt);
}

TEST(Convert, FramingsHaveTheSameNames) {
  for (auto framing : {wire::Framing::kAuto, wire::Framing::kLine, wire::Framing::kBare}) {
    std::string name(wire::FramingName(framing));
    std::transform(name.begin(), name.end(), name.begin(), ::toupper);
    EXPECT_EQ(v1::Framing_Name(ToProto(framing)), "FRAMING_" + name);
    EXPECT_EQ(FromProto(ToProto(framing)), framing);
  }
  EXPECT_EQ(FromProto(v1::FRAMING_UNSPECIFIED), std::nullopt);
}

TEST(Convert, DurationsKeepNanosecondsAndBounds) {
  EXPECT_EQ(*FromProto(ToProto(1234567890ns), "x", 0s, 60s), 1234567890ns);
  google::protobuf::Duration duration;
  for (const auto& [seconds, nanos] : {std::pair<int64_t, int>{61, 0},
                                       {-1, 0},
                                       {0, -1},
                                       {0, 1'000'000'000},
                                       {INT64_MAX, 0},
                                       {INT64_MIN, 0}}) {
    duration.set_seconds(seconds);
    duration.set_nanos(nanos);
    const auto parsed = FromProto(duration, "drain_timeout", 0s, 60s);
    EXPECT_EQ(parsed.status().message(), "drain_timeout must be from 0s to 60s") << seconds;
  }
}

TEST(Convert, FailuresAreListedByVerdictWithoutOk) {
  std::array<int64_t, wire::kVerdictCount> ended{};
  ended[static_cast<int>(wire::Verdict::kOk)] = 5;
  ended[static_cast<int>(wire::Verdict::kMalformed)] = 2;
  ended[static_cast<int>(wire::Verdict::kShed)] = 1;
  google::protobuf::RepeatedPtrField<v1::VerdictCount> failures;
  AddFailures(ended, failures);
  ASSERT_EQ(failures.size(), 2);
  EXPECT_EQ(failures[0].verdict(), v1::VERDICT_MALFORMED);
  EXPECT_EQ(failures[0].count(), 2);
  EXPECT_EQ(failures[1].verdict(), v1::VERDICT_SHED);
}

TEST(Convert, LatencyOfNothingIsZeros) {
  const v1::Latency none = ToProto(stats::Histogram(stats::kServerLatencyLayout));
  EXPECT_EQ(none.count(), 0);
  EXPECT_EQ(none.max_us(), 0);
  stats::Histogram histogram(stats::kServerLatencyLayout);
  for (int i = 1; i <= 100; ++i) histogram.Record(i);
  const v1::Latency latency = ToProto(histogram);
  EXPECT_EQ(latency.count(), 100);
  EXPECT_EQ(latency.p50_us(), 50);
  EXPECT_EQ(latency.max_us(), 100);
}

}  // namespace
}  // namespace handshake::control

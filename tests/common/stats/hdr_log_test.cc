#include "common/stats/hdr_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/stats/histogram.h"

namespace handshake::stats {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::ElementsAreArray;
using testing::StartsWith;

// Whole and half seconds, which the reference's fractions of a second hold exactly.
constexpr system_clock::time_point kStart{milliseconds(1'700'000'000'500)};

// --- the text
// -------------------------------------------------------------------------------------

TEST(HdrLogTest, HeaderNamesStartFormatAndUnit) {
  EXPECT_EQ(HdrLogHeader(kStart, "first\n[StartTime: 5\r\xe2\x80\xa8"),
            "# first\n"
            "# [StartTime: 5????\n"
            "# Values are microseconds; Interval_Max is in milliseconds.\n"
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: 1700000000.500 (seconds since epoch), 2023-11-14T22:13:20Z]\n"
            "#[BaseTime: 1700000000.500 (seconds since epoch)]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_"
            "Histogram\"\n");
  EXPECT_THAT(HdrLogHeader(kStart, ""), StartsWith("# Values"));
}

TEST(HdrLogTest, LineHasItsTimesInSecondsAndItsLargestValueInMilliseconds) {
  Histogram histogram(kLoadLatencyLayout);
  histogram.Record(1'500);
  // The payload begins with the cookie 1c 84 93 14.
  EXPECT_THAT(HdrLogLine({.start = milliseconds(250), .length = milliseconds(1'000)}, histogram),
              StartsWith("0.250,1.000,1.500,HISTF"));
  EXPECT_THAT(HdrLogLine({.tag = "a b,\n\xff"}, histogram),
              StartsWith("Tag=a_b___,0.000,0.000,1.500,HISTF"));
}

// --- as HdrHistogram reads it
// ---------------------------------------------------------------------

// The command that runs hdr_reference.java; empty if Java or the library is missing.
constexpr std::string_view kReference = HDR_REFERENCE;

std::vector<std::string> Percentiles() {
  std::vector<std::string> percentiles;
  for (int k = 0; k <= 200; ++k) percentiles.push_back(std::to_string(k / 2.0));
  percentiles.insert(percentiles.end(), {"99.9", "99.99", "99.999", "99.9999"});
  return percentiles;
}

// What hdr_reference.java prints of a histogram.
struct Reference {
  std::string tag;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t lowest = 0;
  int64_t highest = 0;
  int digits = 0;
  int64_t count = 0;
  int64_t min = 0;
  int64_t max = 0;
  double mean = 0;
  std::vector<int64_t> at_percentiles;
  std::string log_line;
};

Reference Parse(const std::string& figures, std::string log_line) {
  std::istringstream in(figures);
  Reference read;
  in >> read.tag >> read.start_ms >> read.end_ms >> read.lowest >> read.highest >> read.digits >>
      read.count >> read.min >> read.max >> read.mean;
  read.at_percentiles.resize(Percentiles().size());
  for (int64_t& value : read.at_percentiles) in >> value;
  EXPECT_TRUE(in) << figures;
  read.log_line = std::move(log_line);
  return read;
}

void ExpectSame(const Reference& theirs, const HdrLogInterval& interval, const Histogram& ours) {
  EXPECT_EQ(theirs.tag, interval.tag.empty() ? "-" : interval.tag);
  EXPECT_EQ(theirs.lowest, 1);
  EXPECT_EQ(theirs.highest, ours.layout().highest());
  EXPECT_EQ(theirs.digits, ours.layout().significant_digits());
  EXPECT_EQ(theirs.count, ours.count());
  EXPECT_EQ(theirs.min, ours.Min());
  EXPECT_EQ(theirs.max, ours.Max());
  EXPECT_EQ(theirs.mean, ours.Mean());  // to the last bit
  std::vector<int64_t> at_percentiles;
  for (const std::string& percentile : Percentiles()) {
    at_percentiles.push_back(ours.AtPercentile(std::strtod(percentile.c_str(), nullptr)));
  }
  EXPECT_THAT(theirs.at_percentiles, ElementsAreArray(at_percentiles));
  // All buckets, and every byte: both compress with the system's zlib.
  EXPECT_TRUE(theirs.log_line + "\n" == HdrLogLine(interval, ours))
      << "the reference writes " << theirs.log_line.substr(0, 200);
}

Histogram Counted(const HistogramLayout& layout, const std::vector<int64_t>& values) {
  Histogram histogram(layout);
  for (int64_t value : values) histogram.Record(value);
  return histogram;
}

// From microseconds to the limit of an hour.
std::vector<int64_t> AMillionValues() {
  std::mt19937_64 random(6);
  std::lognormal_distribution<double> latency(6.2, 3);
  std::vector<int64_t> values(1'000'000);
  for (int64_t& value : values) {
    value = static_cast<int64_t>(std::min(latency(random), 1.0 * kHighestLatencyUs));
  }
  return values;
}

Histogram EveryBucket(const HistogramLayout& layout) {
  Histogram histogram(layout);
  for (int i = 0; i <= layout.IndexOf(layout.highest()); ++i) histogram.AddToBucket(i, i + 1);
  return histogram;
}

// Counts whose encodings have all lengths from one byte to nine; their sum is the largest int64.
Histogram EveryLengthOfCount(const HistogramLayout& layout) {
  Histogram histogram(layout);
  for (int i = 0; i < 63; ++i) histogram.Record(i, int64_t{1} << i);
  return histogram;
}

class HdrReferenceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kReference.empty()) {
      GTEST_SKIP() << "no HdrHistogram to compare with: install libhdrhistogram-java and "
                      "default-jdk-headless (deploy/packages.sh test) and configure again";
    }
  }
  void TearDown() override { std::filesystem::remove(file_); }

  // The lines that the reference prints, the file's name being its argument after `what`.
  std::vector<std::string> Run(std::string_view what, std::string_view more) {
    std::ostringstream command;
    command << kReference << ' ' << what << " '" << file_ << "' " << more;
    for (const std::string& percentile : Percentiles()) command << ' ' << percentile;
    FILE* out = popen(command.str().c_str(), "r");
    std::string text;
    for (int c = 0; out != nullptr && (c = fgetc(out)) != EOF;) text += static_cast<char>(c);
    EXPECT_TRUE(out != nullptr && pclose(out) == 0) << command.str().substr(0, 300);
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  const std::string file_ =
      testing::TempDir() + "handshake-hdr-log-test-" + std::to_string(getpid());
};

TEST_F(HdrReferenceTest, ReadsFromTheLogWhatWeCounted) {
  struct Line {
    HdrLogInterval interval;
    Histogram histogram;
  };
  std::vector<Line> lines;
  milliseconds now{0};
  const auto add = [&](std::string_view tag, const Histogram& histogram) {
    lines.push_back({{.tag = tag, .start = now, .length = milliseconds(1'500)}, histogram});
  };
  const std::vector<int64_t> million = AMillionValues();
  for (const HistogramLayout& layout :
       {kServerLatencyLayout, kLoadLatencyLayout, HistogramLayout(1, 3'600'000)}) {
    const int64_t limit = layout.highest();
    add("", Histogram(layout));
    add("connect", Counted(layout, {1'500}));
    now += milliseconds(1'500);
    add("", Counted(layout, million));
    add("connect", Counted(layout, {limit, limit - 1, std::numeric_limits<int64_t>::max()}));
    add("step-2-close", Counted(layout, {-1, 0, 1, 3, 5, 6}));
    now += milliseconds(1'500);
    add("", EveryBucket(layout));
    add("connect", EveryLengthOfCount(layout));
    now += milliseconds(1'500);
  }
  std::ofstream log(file_);
  log << HdrLogHeader(kStart, "what was run\n\nand how\r[StartTime: 5\n");
  for (const auto& [interval, histogram] : lines) log << HdrLogLine(interval, histogram);
  log.close();

  const std::vector<std::string> read = Run("read", "");
  ASSERT_EQ(read.size(), 1 + 2 * lines.size());
  EXPECT_EQ(read[0], "1.7000000005E9");
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto& [interval, histogram] = lines[i];
    SCOPED_TRACE(testing::Message() << "line " << i + 1);
    const Reference theirs = Parse(read[2 * i + 1], read[2 * i + 2]);
    const int64_t start_ms = 1'700'000'000'500 + interval.start / milliseconds(1);
    EXPECT_EQ(theirs.start_ms, start_ms);
    EXPECT_EQ(theirs.end_ms, start_ms + 1'500);
    ExpectSame(theirs, interval, histogram);
  }
}

TEST_F(HdrReferenceTest, CountsTheSameValuesIntoTheSameBuckets) {
  const std::vector<int64_t> values = AMillionValues();
  std::ofstream file(file_);
  for (int64_t value : values) file << value << '\n';
  file.close();
  std::mt19937_64 random(7);
  for (const HistogramLayout& layout : {kServerLatencyLayout, kLoadLatencyLayout}) {
    std::vector<Histogram> parts(16, Histogram(layout));
    for (size_t i = 0; i < values.size(); ++i) parts[i % parts.size()].Record(values[i]);
    std::ostringstream arguments;
    arguments << layout.highest() << ' ' << layout.significant_digits();
    const std::vector<std::string> counted = Run("count", arguments.str());
    ASSERT_EQ(counted.size(), 2U);
    const Reference theirs = Parse(counted[0], counted[1]);
    for (int order = 0; order < 3; ++order) {
      std::shuffle(parts.begin(), parts.end(), random);
      Histogram merged(layout);
      for (const Histogram& part : parts) merged.Merge(part);
      ExpectSame(theirs, {}, merged);
    }
  }
}

}  // namespace
}  // namespace handshake::stats

// What the lines hold is proved beside the format: tests/common/stats. Here: which lines there are.
#include "client/latency_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/stats/hdr_log.h"

namespace handshake::client {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class LatencyLogTest : public testing::Test {
 protected:
  LatencyLogTest() : path_(testing::TempDir() + "latency_log_" + std::to_string(getpid())) {}
  ~LatencyLogTest() override { std::filesystem::remove(path_); }

  LatencyLog Open() {
    auto log = LatencyLog::Open(path_, start_, "a run");
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  // Those that are neither header nor comment.
  std::vector<std::string> Lines() const {
    std::ifstream file(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      if (line.front() != '#' && line.front() != '"') lines.push_back(line + "\n");
    }
    return lines;
  }
  static stats::Histogram Of(std::initializer_list<int64_t> values) {
    stats::Histogram histogram(stats::kLoadLatencyLayout);
    for (const int64_t value : values) histogram.Record(value);
    return histogram;
  }

  const std::string path_;
  const std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
};

TEST_F(LatencyLogTest, EachLineHasWhatCameSinceTheOneBefore) {
  LatencyLog log = Open();
  LoadReport report;
  report.elapsed = 500ms;  // still warming up
  log.Append(report);
  report.elapsed = 1'002ms;
  report.measured = 2ms;
  log.Append(report);
  report.elapsed = 2s;
  report.measured = 1s;
  for (stats::Histogram* one : {&report.handshake, &report.connect, &report.reply, &report.close})
    *one = Of({100});
  log.Append(report);
  report.elapsed = 3'500ms;
  report.measured = 2'500ms;
  report.handshake = Of({100, 7'000, 7'000});
  log.Append(report);
  ASSERT_TRUE(log.Flush().ok());

  const auto line = [](std::string_view tag, std::chrono::nanoseconds start,
                       std::chrono::nanoseconds length, std::initializer_list<int64_t> values) {
    return stats::HdrLogLine({.tag = tag, .start = start, .length = length}, Of(values));
  };
  EXPECT_THAT(Lines(), testing::ElementsAre(
                           line("", 1s, 1s, {100}), line("connect", 1s, 1s, {100}),
                           line("reply", 1s, 1s, {100}), line("close", 1s, 1s, {100}),
                           line("", 2s, 1'500ms, {7'000, 7'000}), line("connect", 2s, 1'500ms, {}),
                           line("reply", 2s, 1'500ms, {}), line("close", 2s, 1'500ms, {})));
}

TEST_F(LatencyLogTest, AnOpenLoopCountsFromTheIntendedStart) {
  LatencyLog log = Open();
  LoadReport report;
  report.elapsed = report.measured = 1s;
  report.planned = 1;
  report.intended = Of({300});
  report.handshake = Of({200});
  report.send_lag = Of({100});
  log.Append(report);
  ASSERT_TRUE(log.Flush().ok());
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 6);
  EXPECT_EQ(lines[0], stats::HdrLogLine({.length = 1s}, Of({300})));
  EXPECT_EQ(lines[4], stats::HdrLogLine({.tag = "handshake", .length = 1s}, Of({200})));
  EXPECT_EQ(lines[5], stats::HdrLogLine({.tag = "send-lag", .length = 1s}, Of({100})));
}

TEST_F(LatencyLogTest, SaysWhyItCannotBeWritten) {
  const auto nowhere = LatencyLog::Open(path_ + "/there/is/none", start_, "");
  EXPECT_EQ(nowhere.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(nowhere.status().message()), HasSubstr("/there/is/none"));
  const auto full = LatencyLog::Open("/dev/full", start_, "");
  EXPECT_EQ(full.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(full.status().message()), HasSubstr("No space left"));
}

}  // namespace
}  // namespace handshake::client

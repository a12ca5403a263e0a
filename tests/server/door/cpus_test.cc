#include "server/door/cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_format.h"

namespace handshake::server {
namespace {

TEST(CpusTest, ReadsNumbersAndRanges) {
  const std::vector<int> allowed = AllowedCpus();
  const int first = allowed.front();
  EXPECT_EQ(*ParseCpus(absl::StrFormat("%d", first)), std::vector<int>{first});
  EXPECT_EQ(*ParseCpus(absl::StrFormat("%d-%d,%d", first, first, first)), std::vector<int>{first});
}

TEST(CpusTest, RefusesWhatIsNoList) {
  for (const char* text : {"", ",", "0,", "a", "1-", "-1", "3-1", "0 ", "99999999999", "0--1"}) {
    const auto cpus = ParseCpus(text);
    EXPECT_EQ(cpus.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(cpus.status().message()), testing::HasSubstr("write it like 0-3,8"))
        << text;
  }
}

TEST(CpusTest, RefusesWhatMayNotBeUsed) {
  const auto cpus = ParseCpus("1023");
  ASSERT_FALSE(cpus.ok());
  EXPECT_THAT(std::string(cpus.status().message()),
              testing::HasSubstr("CPU 1023 is not among those this process may use: "));
}

}  // namespace
}  // namespace handshake::server

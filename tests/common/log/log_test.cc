#include "common/log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "spdlog/details/log_msg.h"

namespace handshake::log {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string Format(spdlog::formatter& formatter, std::string_view message) {
  spdlog::memory_buf_t line;
  formatter.format(
      spdlog::details::log_msg("", spdlog::level::info, {message.data(), message.size()}), line);
  return {line.data(), line.size()};
}

TEST(TextFormatter, WritesOneLineAMessage) {
  const auto formatter = MakeTextFormatter();
  EXPECT_THAT(Format(*formatter, "listening"),
              MatchesRegex("[0-9-]+T[0-9:]+\\.[0-9][0-9][0-9]Z info  listening\n"));
  const std::string line = Format(*formatter, "x\n2025 error forged \x1b[2J");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, EndsWith("x\\n2025 error forged \\x1b[2J\n"));
}

TEST(JsonFormatter, IsJsonForEveryByte) {
  const auto formatter = MakeJsonFormatter();
  for (int byte = 0; byte < 256; ++byte) {
    const std::string message = std::string("a\"}") + static_cast<char>(byte) + "\\";
    const std::string line = Format(*formatter, message);
    google::protobuf::Struct parsed;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok()) << line;
    EXPECT_EQ(parsed.fields().at("level").string_value(), "info");
    if (byte < 0x80) {
      EXPECT_EQ(parsed.fields().at("message").string_value(), message);
    }
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  }
}

TEST(SetUp, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(std::string(log::SetUp({.format = "xml"}).message()), HasSubstr("text or json"));
  EXPECT_THAT(std::string(log::SetUp({.level = "loud"}).message()), HasSubstr("'loud'"));
  EXPECT_TRUE(log::SetUp({.format = "json", .level = "debug"}).ok());
}

}  // namespace
}  // namespace handshake::log

#include "common/text/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace handshake::text {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, WellFormed) {
  for (const std::string_view text :
       {""sv, "a"sv, "plain ASCII, longer than eight"sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv,
        "h\xc3\xa9"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xf0\x90\x80\x80"sv,
        "\xf4\x8f\xbf\xbf"sv,
        "1234567\xe2\x82\xac"
        "1234567\xf0\x9f\x98\x80"sv}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, Broken) {
  for (const std::string_view text :
       {"\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xe0\x9f\xbf"sv,
        "\xe2\x82"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv, "\xf0\x90\x80"sv,
        "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "1234567\xff"sv, "12345678\xff"sv,
        "123456781234567\xe2\x82"sv}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8, LengthOfTheFirstCharacter) {
  EXPECT_EQ(Utf8Length("ab"), 1U);
  EXPECT_EQ(Utf8Length("\xc3\xa9x"), 2U);
  EXPECT_EQ(Utf8Length("\xe2\x82\xacx"), 3U);
  EXPECT_EQ(Utf8Length("\xf0\x9f\x98\x80x"), 4U);
  EXPECT_EQ(Utf8Length("\xe2\x82"), 0U);
}

}  // namespace
}  // namespace handshake::text

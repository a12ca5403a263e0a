#include "common/log/escape.h"

#include <gtest/gtest.h>

namespace handshake::log {
namespace {

TEST(Escape, LeavesPrintableAsciiAndEscapesTheRest) {
  EXPECT_EQ(Escape("HELLO 100"), "HELLO 100");
  EXPECT_EQ(Escape("a\\b\r\n\t"), "a\\\\b\\r\\n\\t");
  EXPECT_EQ(Escape(std::string_view("\0\x1b[2J\x7f\xff", 7)), "\\x00\\x1b[2J\\x7f\\xff");
}

TEST(Escape, CutsAt64Bytes) {
  EXPECT_EQ(Escape(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(Escape(std::string(65, 'a')), std::string(64, 'a') + "...");
}

TEST(EscapeJson, EscapesWhatJsonReserves) {
  EXPECT_EQ(EscapeJson("say \"x\" \\ \n"), "say \\\"x\\\" \\\\ \\n");
  EXPECT_EQ(EscapeJson(std::string_view("\0\x1f\x7f", 3)), "\\u0000\\u001f\\u007f");
}

TEST(EscapeJson, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_EQ(EscapeJson("h\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "h\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(EscapeJson("\xff"), "\\ufffd");
  EXPECT_EQ(EscapeJson("\xc3"), "\\ufffd");                                   // cut short
  EXPECT_EQ(EscapeJson("\xc0\xaf"), "\\ufffd\\ufffd");                        // overlong
  EXPECT_EQ(EscapeJson("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");             // surrogate
  EXPECT_EQ(EscapeJson("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");  // above U+10FFFF
}

}  // namespace
}  // namespace handshake::log

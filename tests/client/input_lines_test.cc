#include "client/input_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace handshake::client {
namespace {

using Result = InputLines::Result;

// All lines that can be had now; the last result is not kLine.
struct Taken {
  std::vector<std::string> lines;
  Result result;
};

Taken TakeAll(InputLines& input) {
  Taken taken{};
  std::string_view line;
  while ((taken.result = input.Next(&line)) == Result::kLine) taken.lines.emplace_back(line);
  return taken;
}

using Lines = std::vector<std::string>;

TEST(InputLinesTest, EveryCutGivesTheSameLines) {
  const std::string text = "one\n\r\ntw\xc3\xb6\r\n\nlast";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    InputLines input(8);
    input.Add(text.substr(0, cut));
    Lines lines = TakeAll(input).lines;
    input.Add(text.substr(cut));
    for (const std::string& line : TakeAll(input).lines) lines.push_back(line);
    EXPECT_EQ(lines, (Lines{"one\n", "\r\n", "tw\xc3\xb6\r\n", "\n"})) << cut;
    input.End();
    EXPECT_EQ(TakeAll(input).lines, Lines{"last"});
    EXPECT_EQ(TakeAll(input).result, Result::kNone);
    EXPECT_EQ(input.number(), 5);
  }
}

TEST(InputLinesTest, TheLongestLineHasItsTerminator) {
  InputLines input(8);
  input.Add("1234567\n123456\r\n");
  EXPECT_EQ(TakeAll(input).lines.size(), 2u);
  input.Add("1234567");
  EXPECT_EQ(TakeAll(input).result, Result::kNone);
  input.End();
  EXPECT_EQ(TakeAll(input).lines, Lines{"1234567"});
}

TEST(InputLinesTest, ALineThatIsTooLongIsKnownBeforeItsEnd) {
  for (const char* wrong : {"12345678", "12345678\n", "1234567\r\n"}) {
    InputLines input(8);
    input.Add("good\n");
    input.Add(wrong);
    const Taken taken = TakeAll(input);
    EXPECT_EQ(taken.lines, Lines{"good\n"});
    EXPECT_EQ(taken.result, Result::kTooLong) << wrong;
    EXPECT_EQ(input.number(), 2);
    EXPECT_EQ(input.Problem(taken.result),
              "line 2 of the input is longer than 8 bytes: it and what follows is not sent; make "
              "it shorter");
  }
}

TEST(InputLinesTest, ALineThatIsNotUtf8HasItsNumber) {
  InputLines input(8);
  input.Add("good\ngood\n\xc3\n");
  const Taken taken = TakeAll(input);
  EXPECT_EQ(taken.lines.size(), 2u);
  EXPECT_EQ(taken.result, Result::kNotUtf8);
  EXPECT_EQ(input.Problem(taken.result),
            "line 3 of the input is not UTF-8: it and what follows is not sent; convert it, for "
            "example with iconv");
}

}  // namespace
}  // namespace handshake::client

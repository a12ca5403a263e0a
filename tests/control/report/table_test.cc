#include "control/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;

TEST(TableTest, AlignsAndWraps) {
  Table table({{"NAME", Column::Kind::kText},
               {"TWO\nLINES", Column::Kind::kNumber},
               {"PROSE", Column::Kind::kProse}});
  table.Add({"a", "1", "one two"});
  table.Add({"longer", "12,345", std::string("word ") + std::string(70, 'x') + " end of it here"});
  EXPECT_EQ(table.Render({}),
            "           TWO\n"
            "NAME     LINES  PROSE\n"
            "a            1  one two\n"
            "longer  12,345  word "
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx end of\n"
            "                it here\n");
}

TEST(TableTest, CutsTextThatIsTooWideAndNeverNumbers) {
  Table table({{"TEXT", Column::Kind::kText}, {"NUMBER", Column::Kind::kNumber}});
  table.Add({std::string(200, 'x'), "123456789"});
  const std::string text = table.Render({});
  ExpectFits(text);
  EXPECT_THAT(text, HasSubstr("xx..  123456789\n"));
}

TEST(TableTest, ColourChangesNoColumn) {
  Table table({{"A", Column::Kind::kText}, {"B", Column::Kind::kNumber}});
  table.Add({Cell("x", Tone::kBad), Cell("1", Tone::kGood)});
  EXPECT_EQ(table.Render({.colour = true}),
            "\x1b[1mA  B\x1b[0m\n"
            "\x1b[31mx\x1b[0m  \x1b[32m1\x1b[0m\n");
}

}  // namespace
}  // namespace handshake::report

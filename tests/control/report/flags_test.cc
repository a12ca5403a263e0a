#include "control/report/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "CLI/App.hpp"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;

TEST(HelpTest, IsNoWiderThanEightyColumnsWhateverItSays) {
  CLI::App app("What it does. " + std::string(20, 'w') + " and much more than fits on one line, so",
               "some-binary");
  UseHelpStyle(app);
  std::vector<std::string> addresses = {"127.0.0.1:7000"};
  app.add_option("--listen", addresses, "Serve at HOST:PORT; repeats; port 0 stands for a free one")
      ->type_name("ADDRESS")
      ->envname("SOME_LISTEN")
      ->capture_default_str();
  app.footer(
      "A paragraph whose first line is as long as the one who wrote it thought it should be\n"
      "and which goes on.\n\n"
      "Exit codes:\n"
      "  0    ok\n"
      "  1    done, but the outcome is bad: a handshake of a load run failed, or a switch drains "
      "on");
  const std::string help = app.help();
  EXPECT_THAT(
      help,
      HasSubstr("  --listen ADDRESS            Serve at HOST:PORT; repeats; port 0 stands "
                "for a\n"
                "                              free one [127.0.0.1:7000, env SOME_LISTEN]\n"));
  EXPECT_THAT(help,
              HasSubstr("\nA paragraph whose first line is as long as the one who wrote it thought "
                        "it\nshould be and which goes on.\n\n"
                        "Exit codes:\n"
                        "  0    ok\n"
                        "  1    done, but the outcome is bad: a handshake of a load run failed, "
                        "or a\n"
                        "       switch drains on\n"));
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

}  // namespace
}  // namespace handshake::report

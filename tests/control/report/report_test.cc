// What holds for every page, whatever it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "control/report/hold_report.h"
#include "control/report/json.h"
#include "control/report/listeners_report.h"
#include "control/report/load_report.h"
#include "control/report/server_report.h"
#include "control/report/stats_report.h"
#include "control/report/table.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportTest, NothingIsWiderThanAHundredColumnsWhateverItHolds) {
  const std::string long_text = std::string(128, 'w') + "\x1b[31m\n" + std::string(40, 'v');
  for (const std::string& text : {std::string(), long_text}) {
    for (int64_t number : {int64_t{0}, kHuge, kLowest, int64_t{-1}}) {
      const v1::Stats stats = Filled<v1::Stats>(number, text);
      StatsRows rows({});
      const v1::LoadRun run = Filled<v1::LoadRun>(number, text);
      const v1::ModeSwitch change = Filled<v1::ModeSwitch>(number, text);
      for (const std::string& rendered :
           {StatsPage(stats, {}), rows.Next(stats), LoadPage(run, {}), SwitchPage(change, {}),
            LoadRunsTable(Filled<v1::ListLoadRunsResponse>(number, text), {}),
            SwitchesTable(Filled<v1::ListModeSwitchesResponse>(number, text), {}),
            ModesTable(Filled<v1::ListModesResponse>(number, text), {}),
            ServerPage(Filled<v1::Server>(number, text), text, {}),
            ListenersPage(Filled<v1::ListListenersResponse>(number, text), {}),
            HoldPage(Filled<v1::HoldRun>(number, text), {})}) {
        ExpectFits(rendered);
        EXPECT_THAT(rendered, Not(HasSubstr("\x1b")));
      }
      EXPECT_LE(LoadProgress(run).size(), kMaxWidth);
      EXPECT_LE(HoldProgress(Filled<v1::HoldRun>(number, text)).size(), kMaxWidth);
      Json(stats);  // says so if it cannot
    }
  }
}

}  // namespace
}  // namespace handshake::report

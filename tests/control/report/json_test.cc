#include "control/report/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "tests/control/report/messages.h"

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(JsonTest, HoldsDefaultsAndExactNumbers) {
  v1::ModeSwitch change;
  change.set_id(kHuge);
  change.set_to(v1::MODE_THREAD_POOL);
  *change.mutable_switch_time() = Us(1'250);
  const std::string line = JsonLine(change);
  EXPECT_THAT(line, AllOf(HasSubstr("\"id\":\"9223372036854775807\""),
                          HasSubstr("\"to\":\"MODE_THREAD_POOL\""),
                          HasSubstr("\"switchTime\":\"0.001250s\""),
                          HasSubstr("\"lostCount\":\"0\""), ::testing::EndsWith("}\n")));
  EXPECT_THAT(line.substr(0, line.size() - 1), Not(HasSubstr("\n")));
  EXPECT_THAT(Json(change), StartsWith("{\n"));
}

TEST(JsonTest, HasALineForEachFieldAndEachEntry) {
  v1::LoadRun run;
  run.set_id("{\"[,:\\");
  for (const char* breach : {"a", "b"}) run.add_breaches(breach);
  run.add_points()->mutable_latency_histogram()->add_counts(-3);
  run.mutable_histograms();
  const std::string json = Json(run);
  EXPECT_THAT(json, StartsWith("{\n  \"id\": \"{\\\"[,:\\\\\",\n"));
  EXPECT_THAT(json, HasSubstr("\n  \"breaches\": [\n    \"a\",\n    \"b\"\n  ],\n"));
  EXPECT_THAT(json, HasSubstr("\"histograms\": {},\n"));
  EXPECT_THAT(json, HasSubstr("\n    {\"plannedCount\": \"0\", "));
  EXPECT_THAT(json, HasSubstr("\"counts\": [\"-3\"]}}\n  ],\n"));
  v1::LoadRun back;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &back).ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(back, run));
}

}  // namespace
}  // namespace handshake::report

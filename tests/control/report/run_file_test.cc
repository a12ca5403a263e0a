#include "control/report/run_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "control/report/json.h"
#include "control/report/load_report.h"
#include "google/protobuf/util/message_differencer.h"

namespace handshake::report {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::LoadSpec Spec() {
  v1::LoadSpec spec;
  spec.set_target("127.0.0.1:7000");
  spec.mutable_duration()->set_seconds(2);
  spec.mutable_duration()->set_nanos(500'000'000);
  spec.set_rate_per_second(500.5);
  spec.set_arrivals(v1::LoadSpec::ARRIVALS_EVEN);
  spec.set_seed(9'007'199'254'740'993);  // no double
  spec.set_max_in_flight_count(200);
  spec.add_stages("10s:100..5000");
  spec.add_fail_if("p99 > 5ms");
  spec.add_fail_if("errors > 0.1%");
  return spec;
}

void ExpectSpec(const std::string& text) {
  const auto spec = ParseLoadSpec(text, "a");
  ASSERT_TRUE(spec.ok()) << spec.status() << "\n" << text;
  EXPECT_TRUE(MessageDifferencer::Equals(*spec, Spec())) << spec->ShortDebugString();
}

TEST(RunFile, EveryReportHasItsRunAsOne) {
  v1::LoadRun run;
  *run.mutable_spec() = Spec();
  ExpectSpec(Json(run));
  ExpectSpec(Json(run.spec()));
  ExpectSpec(JsonLine(run.spec()));
  ExpectSpec(JsonOfSet(run.spec()));
  ExpectSpec(SpecText(run.spec()));
  ExpectSpec("# a comment\n" + run.spec().DebugString());
}

void ExpectWrong(const std::string& text, const std::string& why) {
  const auto spec = ParseLoadSpec(text, "a");
  EXPECT_EQ(std::string(spec.status().message()), why) << text;
}

TEST(RunFile, WhatIsWrongHasALineAndAColumn) {
  ExpectWrong("{\n  \"target\": \"x\",\n  \"rate\": 5\n}", "a:3:4: no field is called \"rate\"");
  ExpectWrong("{\n  \"concurrency\": \"many\"\n}",
              "a:2:18: that is no value for concurrency: \"many\"");
  ExpectWrong("{\"duration\": \"5\"}", "a:1:14: that is no value for duration: \"5\"");
  ExpectWrong("{\"framing\": \"FRAMING_ROUND\"}",
              "a:1:13: that is no value for framing: \"FRAMING_ROUND\"");
  ExpectWrong("{\"seed\": 1,\n \"seed\": 2}", "a:2:3: seed is there twice");
  ExpectWrong("{\"seed\": 1,}", "a:1:12: a name in double quotes is expected");
  ExpectWrong("{\"seed\": 1\n  \"target\": 2}", "a:2:3: ',' or '}' is expected");
  ExpectWrong("{\"seed\": [1,, 2]}", "a:1:13: a value is expected");
  ExpectWrong("{\"seed\" 1}", "a:1:9: ':' is expected");
  ExpectWrong("{\"target\": \"x", "a:1:14: '\"' is expected");
  ExpectWrong("{\"seed\": 1} x", "a:1:13: nothing may follow the last '}'");
  ExpectWrong("{\"id\": \"run-1\",\n \"spec\": {\"rate\": 1}}",
              "a:2:12: no field is called \"rate\"");
  ExpectWrong("{\"spec\": 1}", "a:1:10: '{' is expected");
  ExpectWrong("{\"seed\": " + std::string(200, '['), "a:1:110: too deep");
  ExpectWrong("target: \"x\"\nrate: 5",
              "a:2:5: Message type \"handshake.v1.LoadSpec\" has no field named \"rate\".");
  ExpectWrong("target: \"x\"\nconcurrency: many", "a:2:14: Expected integer, got: many");
}

TEST(RunFile, IsReadAndNamedInItsErrors) {
  const std::string path = testing::TempDir() + "run_file_" + std::to_string(getpid());
  EXPECT_EQ(std::string(ReadLoadSpec(path).status().message()),
            "cannot read " + path + ": No such file or directory");
  std::ofstream(path) << "seed: 7";
  EXPECT_EQ(ReadLoadSpec(path)->seed(), 7);
  std::ofstream(path) << "sed: 7";
  EXPECT_EQ(std::string(ReadLoadSpec(path).status().message()),
            path + ":1:4: Message type \"handshake.v1.LoadSpec\" has no field named \"sed\".");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace handshake::report

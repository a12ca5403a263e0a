#include "client/window_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/condition.h"

namespace handshake::client {
namespace {

using wire::Verdict;
using namespace std::chrono_literals;

std::vector<Condition> Conditions(const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) conditions.push_back(*ParseCondition(text));
  return conditions;
}

// A run whose successes are given, each with its latency, second by second.
class FakeRun {
 public:
  explicit FakeRun(std::chrono::nanoseconds warmup = {}) : warmup_(warmup) {}

  // `ok` successes of `us` in a second.
  void Second(int64_t ok, int64_t us) {
    report_.elapsed += 1s;
    report_.measured = std::max<std::chrono::nanoseconds>(report_.elapsed - warmup_, 0s);
    report_.started += ok;
    report_.ended[static_cast<size_t>(Verdict::kOk)] += ok;
    report_.handshake.Record(us, ok);
  }
  void Pause(std::chrono::nanoseconds time) { report_.paused_time += time; }
  const LoadReport& report() const { return report_; }

 private:
  const std::chrono::nanoseconds warmup_;
  LoadReport report_;
};

TEST(WindowJudgeTest, EachLengthHasItsWindowsBehindTheWarmup) {
  LoadSpec spec;
  spec.warmup = 5s;
  spec.fail_if = Conditions({"rate < 1000 over 1s", "rate < 1000 over 3s", "rate < 1000"});
  WindowJudge judge(spec);
  FakeRun run(5s);
  for (int second = 1; second <= 12; ++second) {
    run.Second(second > 5 ? 100 : 0, 1'000);
    judge.Look(run.report());
  }
  EXPECT_EQ(judge.BreachOf(0),
            "rate < 1000 over 1s: it is 100, from 5s to 6s, the first of 7 windows");
  EXPECT_EQ(judge.BreachOf(1),
            "rate < 1000 over 3s: it is 100, from 5s to 8s, the first of 2 windows");
}

TEST(WindowJudgeTest, AWindowWithAPauseIsNotJudged) {
  LoadSpec spec;
  spec.fail_if = Conditions({"rate < 50 over 1s"});
  spec.stop_if = Conditions({"rate < 50"});
  WindowJudge judge(spec);
  FakeRun run;
  run.Second(100, 1'000);
  judge.Look(run.report());
  run.Pause(200ms);
  run.Second(10, 1'000);
  EXPECT_EQ(judge.Look(run.report()), std::nullopt);
  EXPECT_EQ(judge.BreachOf(0), std::nullopt);
  run.Second(10, 1'000);
  EXPECT_NE(judge.Look(run.report()), std::nullopt);
  EXPECT_EQ(judge.BreachOf(0), "rate < 50 over 1s: it is 10, from 2s to 3s");
}

// A second of 20 ms among nine of 1 ms: no p50 of three seconds shows it, each window's max does.
TEST(WindowJudgeTest, AWindowIsJudgedByItselfAlone) {
  LoadSpec spec;
  spec.fail_if = Conditions(
      {"max > 10ms over 3s", "p50 > 10ms over 3s", "p50 > 10ms over 1s", "max < 1h over 2s"});
  WindowJudge judge(spec);
  FakeRun run;
  for (int second = 1; second <= 9; ++second) {
    run.Second(100, second == 5 ? 20'000 : 1'000);
    EXPECT_EQ(judge.Look(run.report()), std::nullopt);
  }
  EXPECT_EQ(judge.BreachOf(0), "max > 10ms over 3s: it is 20.015ms, from 3s to 6s");
  EXPECT_EQ(judge.BreachOf(1), std::nullopt);
  EXPECT_EQ(judge.BreachOf(2), "p50 > 10ms over 1s: it is 20.015ms, from 4s to 5s");
  EXPECT_EQ(judge.BreachOf(3),
            "max < 1h over 2s: it is 1ms, from 0s to 2s, the first of 4 windows");
}

TEST(WindowJudgeTest, AStallHasNoLatencyToBeProudOf) {
  LoadSpec spec;
  spec.fail_if = Conditions({"p99 > 5ms over 1s"});
  spec.stop_if = Conditions({"p99 > 5ms over 1s"});
  WindowJudge judge(spec);
  FakeRun run;
  run.Second(100, 1'000);
  judge.Look(run.report());
  run.Second(0, 0);
  EXPECT_EQ(judge.Look(run.report()), std::nullopt) << "what cannot be told stops nothing";
  EXPECT_EQ(judge.BreachOf(0), "p99 > 5ms over 1s: nothing was measured, from 1s to 2s");
}

TEST(WindowJudgeTest, StopConditionsAreJudgedOverTheirOwnWindow) {
  LoadSpec spec;
  spec.stop_if = Conditions({"rate < 50 over 2s", "rate < 10"});
  WindowJudge judge(spec);
  FakeRun run;
  run.Second(40, 1'000);
  EXPECT_EQ(judge.Look(run.report()), std::nullopt);
  run.Second(80, 1'000);
  EXPECT_EQ(judge.Look(run.report()), std::nullopt) << "60/s over two seconds";
  run.Second(20, 1'000);
  EXPECT_EQ(judge.Look(run.report()), std::nullopt);
  run.Second(20, 1'000);
  EXPECT_EQ(judge.Look(run.report()), "rate < 50 over 2s: it is 20");
}

// The watcher's thread did not get a CPU for three seconds.
TEST(WindowJudgeTest, ALateLookIsOneWindow) {
  LoadSpec spec;
  spec.fail_if = Conditions({"rate < 50 over 1s"});
  WindowJudge judge(spec);
  FakeRun run;
  for (int second = 1; second <= 3; ++second) run.Second(10, 1'000);
  judge.Look(run.report());
  EXPECT_EQ(judge.BreachOf(0), "rate < 50 over 1s: it is 10, from 0s to 3s");
  run.Second(10, 1'000);
  judge.Look(run.report());
  EXPECT_EQ(judge.BreachOf(0),
            "rate < 50 over 1s: it is 10, from 0s to 3s, the first of 2 windows");
}

TEST(WindowJudgeTest, ARunThatEndedBeforeItsFirstWindowSaysSo) {
  LoadSpec spec;
  spec.fail_if = Conditions({"rate < 50 over 2s"});
  WindowJudge judge(spec);
  FakeRun run;
  run.Second(100, 1'000);
  judge.Look(run.report());
  EXPECT_EQ(judge.BreachOf(0), "rate < 50 over 2s: no whole window was measured");
}

}  // namespace
}  // namespace handshake::client

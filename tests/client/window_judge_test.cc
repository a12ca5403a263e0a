#include "client/window_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

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
  void Fail(int64_t count) {
    report_.started += count;
    report_.ended[static_cast<size_t>(Verdict::kTimeoutStep2)] += count;
  }
  void Drop(int64_t count) {
    report_.planned += count;
    report_.dropped += count;
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

// Bytes that malloc gave out; 0 under a sanitizer, which has an allocator of its own.
size_t InUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Which is no report of more than 1 MB.
TEST(WindowJudgeTest, AWindowKeepsOnlyWhatConditionsLookAt) {
  LoadSpec spec;
  for (int seconds = 1; seconds <= 50; ++seconds) {
    spec.fail_if.push_back(*ParseCondition("p99 > 1h over " + std::to_string(seconds) + "s"));
  }
  FakeRun run;
  const size_t before = InUse();
  WindowJudge judge(spec);
  for (int second = 1; second <= 20; ++second) {
    for (int64_t us = 1; us <= 1'000'000; us *= 2) run.Second(1'000, us + second);
    judge.Look(run.report());
  }
  EXPECT_LT(InUse(), before + spec.fail_if.size() * 20 * 1'024);
  for (size_t i = 0; i < spec.fail_if.size(); ++i) EXPECT_EQ(judge.BreachOf(i), std::nullopt);
}

TEST(WindowJudgeTest, OfAMarkNothingIsLost) {
  LoadSpec spec;
  spec.fail_if = Conditions({"p50 > 1ms over 1s", "errors > 0 over 1s", "rate < 100 over 1s",
                             "dropped > 0 over 1s", "max > 2ms over 1s"});
  WindowJudge judge(spec);
  FakeRun run;
  run.Second(100, 3'000);
  run.Fail(7);
  run.Drop(9);
  judge.Look(run.report());
  run.Second(100, 900);
  judge.Look(run.report());
  EXPECT_EQ(judge.BreachOf(0), "p50 > 1ms over 1s: it is 3.001ms, from 0s to 1s");
  EXPECT_EQ(judge.BreachOf(1), "errors > 0 over 1s: it is 7, from 0s to 1s");
  EXPECT_EQ(judge.BreachOf(2), std::nullopt);
  EXPECT_EQ(judge.BreachOf(3), "dropped > 0 over 1s: it is 9, from 0s to 1s");
  EXPECT_EQ(judge.BreachOf(4), "max > 2ms over 1s: it is 3.001ms, from 0s to 1s");
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

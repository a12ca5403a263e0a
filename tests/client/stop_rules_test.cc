#include "client/stop_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace handshake::client {
namespace {

const net::Address kHere = *net::Address::Parse("127.0.0.1:7000");
const net::Address kElsewhere = *net::Address::Parse("192.0.2.1:7000");

// The second in which the run was stopped, from 1; 0: never. Each Vitals is of one second.
size_t StoppedIn(StopRules rules, const std::vector<Vitals>& seconds, std::string* why = nullptr) {
  Vitals sum;
  for (size_t i = 0; i < seconds.size(); ++i) {
    sum.begun += seconds[i].begun;
    sum.answered += seconds[i].answered;
    sum.ended += seconds[i].ended;
    sum.failed += seconds[i].failed;
    const std::string stop = rules.Judge(sum);
    if (stop.empty()) continue;
    if (why != nullptr) *why = stop;
    return i + 1;
  }
  return 0;
}

std::vector<Vitals> Seconds(size_t n, const Vitals& each) { return std::vector<Vitals>(n, each); }

std::vector<Vitals> operator+(std::vector<Vitals> a, const std::vector<Vitals>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Vitals kGood = {.begun = 10, .answered = 10, .ended = 10};
const Vitals kRefused = {.begun = 10, .ended = 10, .failed = 10};
const Vitals kIdle = {};

TEST(StopRulesTest, FiveSecondsWithoutAnAnswerStopARun) {
  std::string why;
  EXPECT_EQ(StoppedIn(StopRules(kHere), Seconds(3, kGood) + Seconds(9, kRefused), &why), 8);
  EXPECT_EQ(why, "no correct answer from 127.0.0.1:7000 for 5 s");
  EXPECT_EQ(StoppedIn(StopRules(kHere), Seconds(9, kRefused)), 5);
}

TEST(StopRulesTest, OneAnswerBeginsTheFiveSecondsAnew) {
  const std::vector<Vitals> flaky =
      Seconds(4, kRefused) + Seconds(1, {.begun = 10, .answered = 1, .ended = 10, .failed = 10});
  EXPECT_EQ(StoppedIn(StopRules(kHere), flaky + flaky + flaky + Seconds(4, kRefused)), 0);
}

TEST(StopRulesTest, WhatIsUnderWayWaitsForAnAnswerToo) {
  EXPECT_EQ(StoppedIn(StopRules(kHere), Seconds(1, {.begun = 3}) + Seconds(9, kIdle)), 5);
}

// As in a pause, or while all clients think.
TEST(StopRulesTest, WhoAsksNothingWaitsForNoAnswer) {
  EXPECT_EQ(StoppedIn(StopRules(kHere), Seconds(1, kGood) + Seconds(20, kIdle)), 0);
  EXPECT_EQ(StoppedIn(StopRules(kHere), Seconds(4, kRefused) + Seconds(20, kIdle)), 0);
}

TEST(StopRulesTest, BeyondLoopbackMoreThanHalfMayNotFail) {
  const Vitals half = {.begun = 10, .answered = 10, .ended = 10, .failed = 5};
  const Vitals more = {.begun = 10, .answered = 10, .ended = 10, .failed = 6};
  EXPECT_EQ(StoppedIn(StopRules(kElsewhere), Seconds(20, half)), 0);
  EXPECT_EQ(StoppedIn(StopRules(kHere), Seconds(20, more)), 0);
  std::string why;
  EXPECT_EQ(StoppedIn(StopRules(kElsewhere), Seconds(20, more), &why), 5);
  EXPECT_EQ(why, "30 of 50 handshakes with 192.0.2.1:7000 failed in 5 s");
  // Over the last five, not over all.
  EXPECT_EQ(StoppedIn(StopRules(kElsewhere), Seconds(60, kGood) + Seconds(9, kRefused)), 63);
}

}  // namespace
}  // namespace handshake::client

#include "control/report/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "control/report/flags.h"
#include "control/report/load_report.h"

namespace handshake::report {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using v1::Reconciliation;

using Failed = std::vector<std::pair<v1::Verdict, int64_t>>;

constexpr const char* kEndpoint = "127.0.0.1:7001";

template <class Message>
void AddFailures(const Failed& failed, Message& to) {
  for (const auto& [verdict, count] : failed) {
    v1::VerdictCount& failure = *to.add_failures();
    failure.set_verdict(verdict);
    failure.set_count(count);
    to.set_failed_count(to.failed_count() + count);
  }
}

v1::LoadRun Ended(int64_t ok, const Failed& failed = {}, int64_t cut = 0,
                  v1::LoadRun::State state = v1::LoadRun::STATE_SUCCEEDED) {
  v1::LoadRun run;
  run.mutable_spec()->set_target("127.0.0.1:7000");
  run.set_state(state);
  run.set_ok_count(ok);
  AddFailures(failed, run);
  run.set_in_flight_count(cut);
  run.set_started_count(ok + run.failed_count() + cut);
  return run;
}

// One mode a pair: what it completed, and what failed in it.
ServerAccount Server(const std::vector<std::pair<int64_t, Failed>>& modes, int64_t in_flight = 0) {
  ServerAccount account;
  account.server.add_listen_addresses("127.0.0.1:7000");
  account.server.set_process_id(42);
  account.server.mutable_start_time()->set_seconds(1'000);
  for (const auto& [completed, failed] : modes) {
    v1::ModeStats& mode = *account.stats.add_modes();
    mode.set_completed_count(completed);
    AddFailures(failed, mode);
    mode.set_in_flight_count(std::exchange(in_flight, 0));
    mode.set_accepted_count(completed + mode.failed_count() + mode.in_flight_count());
  }
  account.stats.set_generation(static_cast<int64_t>(modes.size()));
  return account;
}

Reconciliation Judge(const v1::LoadRun& run, const ServerAccount& before,
                     const ServerAccount& after) {
  return Reconcile(run, kEndpoint, before, after);
}

TEST(ReconcileTest, ARunThatEndedByItselfIsEqualOverAllModes) {
  const Reconciliation both = Judge(Ended(30), Server({{100, {}}}), Server({{110, {}}, {20, {}}}));
  EXPECT_EQ(both.rule(), Reconciliation::RULE_EQUAL);
  EXPECT_EQ(both.outcome(), Reconciliation::OUTCOME_AGREES);
  EXPECT_EQ(both.reason(), "the server completed 30, and 30 were ok here");
  EXPECT_EQ(both.server_endpoint(), kEndpoint);
  EXPECT_EQ(both.server().ok_count(), 30);
  EXPECT_EQ(both.server().started_count(), 30);
  EXPECT_EQ(both.difference_count(), 0);
  EXPECT_EQ(both.allowed_difference_count(), 0);
  EXPECT_EQ(both.mode_switch_count(), 1);
}

TEST(ReconcileTest, TheWarmUpIsPartOfIt) {
  v1::LoadRun run = Ended(30, {{v1::VERDICT_PEER_ERROR, 1}});
  run.mutable_left_out()->set_started_count(12);
  run.mutable_left_out()->set_ok_count(10);
  AddFailures({{v1::VERDICT_PEER_ERROR, 2}}, *run.mutable_left_out());
  const Reconciliation both =
      Judge(run, Server({{0, {}}}), Server({{40, {{v1::VERDICT_TIMEOUT_STEP_1, 3}}}}));
  EXPECT_EQ(both.outcome(), Reconciliation::OUTCOME_AGREES) << both.reason();
  EXPECT_EQ(both.client().ok_count(), 40);
  EXPECT_EQ(both.client().started_count(), 43);
  ASSERT_EQ(both.client().failures_size(), 1);
  EXPECT_EQ(both.client().failures(0).count(), 3);
}

TEST(ReconcileTest, OneTooFewOrTooManyDiffers) {
  const Reconciliation lost =
      Judge(Ended(30), Server({{0, {}}}), Server({{29, {{v1::VERDICT_INTERNAL_ERROR, 1}}}}));
  EXPECT_EQ(lost.rule(), Reconciliation::RULE_EQUAL);
  EXPECT_EQ(lost.outcome(), Reconciliation::OUTCOME_DIFFERS);
  EXPECT_EQ(lost.difference_count(), -1);
  EXPECT_EQ(lost.reason(), "the server completed 29, and 30 were ok here: 1 are missing");
  // As many connections as the run made, so nobody else can have made it.
  const Reconciliation invented =
      Judge(Ended(29, {{v1::VERDICT_PEER_GONE_STEP_2, 1}}), Server({{0, {}}}), Server({{30, {}}}));
  EXPECT_EQ(invented.outcome(), Reconciliation::OUTCOME_DIFFERS);
  EXPECT_EQ(invented.reason(), "the server completed 30, and 29 were ok here: 1 too many");
}

TEST(ReconcileTest, UnconfirmedAndCutOnesMayHaveBeenCompleted) {
  const v1::LoadRun run = Ended(30, {{v1::VERDICT_UNCONFIRMED, 2}}, 3, v1::LoadRun::STATE_FAILED);
  for (const auto& [completed, outcome] : std::vector<std::pair<int64_t, Reconciliation::Outcome>>{
           {29, Reconciliation::OUTCOME_DIFFERS},
           {30, Reconciliation::OUTCOME_AGREES},
           {33, Reconciliation::OUTCOME_AGREES},
           {35, Reconciliation::OUTCOME_AGREES},
           {36, Reconciliation::OUTCOME_OTHER_CLIENTS}}) {
    const Reconciliation both = Judge(run, Server({{0, {}}}), Server({{completed, {}}}));
    EXPECT_EQ(both.rule(), Reconciliation::RULE_BETWEEN);
    EXPECT_EQ(both.allowed_difference_count(), 5);
    EXPECT_EQ(both.outcome(), outcome) << completed << both.reason();
    EXPECT_THAT(both.reason(), HasSubstr("30 to 35 fit, for 2 are unconfirmed and 3 were cut"));
  }
}

TEST(ReconcileTest, WhatEndedEarlySaysSo) {
  v1::LoadRun stopped = Ended(30, {}, 0, v1::LoadRun::STATE_FAILED);
  stopped.set_state_reason("stopped early, p99 > 1ms");
  for (const v1::LoadRun& run : {stopped, Ended(30, {}, 0, v1::LoadRun::STATE_CANCELLED)}) {
    const Reconciliation both = Judge(run, Server({{0, {}}}), Server({{30, {}}}));
    EXPECT_EQ(both.rule(), Reconciliation::RULE_BETWEEN);
    EXPECT_EQ(both.outcome(), Reconciliation::OUTCOME_AGREES);
    EXPECT_THAT(both.reason(), StartsWith("the run ended early; "));
  }
}

TEST(ReconcileTest, OtherClientsAreToldByTheirConnections) {
  const Reconciliation more = Judge(Ended(30), Server({{0, {}}}), Server({{37, {}}}));
  EXPECT_EQ(more.outcome(), Reconciliation::OUTCOME_OTHER_CLIENTS);
  EXPECT_THAT(more.reason(), HasSubstr("it ended 7 more than this run connected: other clients?"));
  // They may make up for one that was lost: no claim either way.
  const Reconciliation hidden =
      Judge(Ended(30), Server({{0, {}}}), Server({{30, {{v1::VERDICT_MALFORMED, 1}}}}));
  EXPECT_EQ(hidden.outcome(), Reconciliation::OUTCOME_OTHER_CLIENTS);
  // But not for more than they are.
  EXPECT_EQ(
      Judge(Ended(30), Server({{0, {}}}), Server({{29, {{v1::VERDICT_MALFORMED, 9}}}})).outcome(),
      Reconciliation::OUTCOME_DIFFERS);
  // One that was there before and is still there did nothing.
  EXPECT_EQ(Judge(Ended(30), Server({{5, {}}}, 2), Server({{35, {}}}, 2)).outcome(),
            Reconciliation::OUTCOME_AGREES);
  // What never was a connection is not one that the server could have ended.
  const v1::LoadRun refused = Ended(30, {{v1::VERDICT_CONNECT_REFUSED, 5}});
  EXPECT_EQ(Judge(refused, Server({{0, {}}}), Server({{33, {}}})).outcome(),
            Reconciliation::OUTCOME_OTHER_CLIENTS);
  EXPECT_EQ(Judge(refused, Server({{0, {}}}), Server({{30, {}}})).connected_count(), 30);
}

TEST(ReconcileTest, AnotherLifeOrServerVoidsTheClaim) {
  const ServerAccount before = Server({{0, {}}});
  ServerAccount after = Server({{30, {}}});
  const auto expect_void = [&](const Reconciliation& both, const std::string& why) {
    EXPECT_EQ(both.rule(), Reconciliation::RULE_VOID);
    EXPECT_EQ(both.outcome(), Reconciliation::OUTCOME_NO_CLAIM);
    EXPECT_THAT(both.reason(), HasSubstr(why));
    EXPECT_FALSE(both.has_server());
    EXPECT_EQ(both.client().ok_count(), 30);
    EXPECT_THAT(ReconciliationTable(both, {}), IsEmpty());
    v1::LoadRun run = Ended(30);
    *run.mutable_reconciliation() = both;
    EXPECT_EQ(LoadExitCode(run), kExitOk);
  };
  after.server.mutable_start_time()->set_nanos(1);
  expect_void(Judge(Ended(30), before, after), "restarted meanwhile");
  after = Server({{30, {}}});
  after.server.set_process_id(43);
  expect_void(Judge(Ended(30), before, after), "process 42 is now 43");
  const absl::Status gone = absl::UnavailableError("nothing answers");
  expect_void(Reconcile(Ended(30), kEndpoint, before, gone), "behind the run nothing answers");
  expect_void(Reconcile(Ended(30), kEndpoint, gone, gone), "nothing answers");
  v1::LoadRun elsewhere = Ended(30);
  elsewhere.mutable_spec()->set_target("127.0.0.1:7002");
  expect_void(Judge(elsewhere, before, before), "listens at 127.0.0.1:7000, not at the target");
}

TEST(ReconcileTest, AWildcardAddressListensAtTheLoopbackOfItsFamily) {
  v1::Server server;
  EXPECT_FALSE(ListensAt(server, "127.0.0.1:7000"));
  server.add_listen_addresses("10.0.0.8:7005");
  server.add_listen_addresses("0.0.0.0:7000");
  server.add_listen_addresses("[::]:7001");
  EXPECT_TRUE(ListensAt(server, "127.0.0.1:7000"));
  EXPECT_TRUE(ListensAt(server, "127.1.2.3:7000"));
  EXPECT_TRUE(ListensAt(server, "localhost:7000"));
  EXPECT_TRUE(ListensAt(server, "10.0.0.8:7005"));
  EXPECT_TRUE(ListensAt(server, "[::1]:7001"));
  EXPECT_FALSE(ListensAt(server, "10.0.0.9:7000")) << "it may be another machine's";
  EXPECT_FALSE(ListensAt(server, "[::1]:7000"));
  EXPECT_FALSE(ListensAt(server, "127.0.0.1:7001"));
  EXPECT_FALSE(ListensAt(server, "127.0.0.1:7005"));
  EXPECT_FALSE(ListensAt(server, "nonsense"));
}

TEST(ReconcileTest, ATargetByNameIsWhatItWasResolvedTo) {
  v1::LoadRun run = Ended(30);
  run.mutable_spec()->set_target("server.example:7000");
  EXPECT_EQ(Judge(run, Server({{0, {}}}), Server({{30, {}}})).outcome(),
            Reconciliation::OUTCOME_NO_CLAIM);
  run.set_target_address("127.0.0.1:7000");
  EXPECT_EQ(Judge(run, Server({{0, {}}}), Server({{30, {}}})).outcome(),
            Reconciliation::OUTCOME_AGREES);
  run.set_target_address("127.0.0.2:7000");
  EXPECT_EQ(Judge(run, Server({{0, {}}}), Server({{30, {}}})).outcome(),
            Reconciliation::OUTCOME_NO_CLAIM);
}

TEST(ReconcileTest, NumbersThatNobodyCountedDoNotOverflow) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  v1::LoadRun run = Ended(0);
  run.set_ok_count(kLowest);
  run.mutable_left_out()->set_ok_count(kHuge);
  run.set_started_count(kHuge);
  run.mutable_left_out()->set_started_count(kHuge);
  run.set_in_flight_count(kHuge);
  ServerAccount before = Server({{0, {}}, {0, {}}});
  ServerAccount after = Server({{0, {}}, {0, {}}});
  for (int mode : {0, 1}) {
    before.stats.mutable_modes(mode)->set_completed_count(kLowest);
    after.stats.mutable_modes(mode)->set_completed_count(kHuge);
    after.stats.mutable_modes(mode)->set_accepted_count(kHuge);
  }
  const Reconciliation both = Judge(run, before, after);
  EXPECT_EQ(both.server().started_count(), kHuge);
}

TEST(ReconcileTest, ThePageSaysTheClaimAndBothEnds) {
  v1::LoadRun run = Ended(30, {{v1::VERDICT_PEER_ERROR, 1}, {v1::VERDICT_CONNECT_REFUSED, 2}});
  run.set_state(v1::LoadRun::STATE_FAILED);
  *run.mutable_reconciliation() =
      Judge(run, Server({{0, {}}}), Server({{20, {}}, {10, {{v1::VERDICT_TIMEOUT_STEP_1, 1}}}}));
  const std::string page = LoadPage(run, {});
  EXPECT_THAT(
      page,
      AllOf(ContainsRegex("ledger +agrees: the server completed 30, and 30 were ok "
                          "here; 1 switch of mode"),
            ContainsRegex("connections +31 +31 +0\n"), ContainsRegex("ok +30 +30"),
            ContainsRegex("step 1 +31 +30 +-1\n"), ContainsRegex("step 2 +30 to 31 +30\n"),
            ContainsRegex("step 3 +30 to 31 +30\n"), ContainsRegex("failed +1 +1 +0"),
            ContainsRegex("  CONNECT_REFUSED +2 +0\n"), ContainsRegex("  TIMEOUT_STEP_1 +0 +1\n")));
}

TEST(ReconcileTest, AClaimThatDoesNotHoldIsABadOutcome) {
  v1::LoadRun run = Ended(30);
  *run.mutable_reconciliation() = Judge(run, Server({{0, {}}}), Server({{30, {}}}));
  EXPECT_EQ(LoadExitCode(run), kExitOk);
  *run.mutable_reconciliation() = Judge(run, Server({{0, {}}}), Server({{37, {}}}));
  EXPECT_EQ(LoadExitCode(run), kExitOk);
  *run.mutable_reconciliation() = Judge(run, Server({{0, {}}}), Server({{29, {}}}));
  EXPECT_EQ(LoadExitCode(run), kExitBadOutcome);
  EXPECT_THAT(LoadPage(run, {}), ContainsRegex("ledger +differs: .*1 are missing"));
}

}  // namespace
}  // namespace handshake::report

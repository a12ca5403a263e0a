// Both ends of a load run side by side, by whole processes: what the client counted against what
// the server did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "tests/control/ctl/process.h"
#include "tests/system/daemon.h"

namespace handshake::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using v1::Reconciliation;

class LedgerSystemTest : public ::testing::Test {
 protected:
  void SetUp() override { StartServer("127.0.0.1:0", "127.0.0.1:0"); }
  void StartServer(const std::string& target, const std::string& control) {
    const std::vector<std::string> arguments = {"--listen", target, "--control", control};
    server_.emplace(HANDSHAKE_SERVER, arguments);
    ASSERT_TRUE(server_->started());
    target_ = server_->AddressAfter("listening on ");
    control_ = server_->AddressAfter("control on ");
  }
  std::vector<std::string> Load(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"load", target_, "--server", control_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Ended Ctl(const std::string& endpoint, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--endpoint", endpoint});
    return RunToEnd(HANDSHAKECTL, arguments);
  }
  // Until the server has completed a handshake.
  bool AwaitLoad() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      v1::Stats stats;
      const Ended asked = Ctl(control_, {"stats", "-o", "json"});
      if (!google::protobuf::util::JsonStringToMessage(asked.out, &stats).ok()) return false;
      if (stats.modes(0).completed_count() > 0) return true;
    }
    return false;
  }
  static v1::LoadRun Read(const Ended& ended) {
    v1::LoadRun run;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &run).ok())
        << ended.out << ended.err;
    return run;
  }

  std::optional<Daemon> server_;
  std::string target_;
  std::string control_;
};

TEST_F(LedgerSystemTest, ARunThroughAllModesIsEqualAtBothEnds) {
  Process load(
      HANDSHAKE_CLIENT,
      Load({"--concurrency", "8", "--duration", "1500ms", "--warmup", "100ms", "-o", "json"}), {});
  ASSERT_TRUE(AwaitLoad());
  for (const char* mode :
       {"sequential", "thread-per-connection", "thread-pool", "coroutine", "io-uring", "epoll"}) {
    EXPECT_EQ(Ctl(control_, {"mode", "set", mode}).exit_code, 0) << mode;
  }
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const v1::LoadRun run = Read(ended);
  const Reconciliation& both = run.reconciliation();
  EXPECT_EQ(both.rule(), Reconciliation::RULE_EQUAL);
  EXPECT_EQ(both.outcome(), Reconciliation::OUTCOME_AGREES) << both.reason();
  EXPECT_EQ(both.difference_count(), 0);
  EXPECT_GT(run.left_out().ok_count(), 0);
  EXPECT_EQ(both.client().ok_count(), run.ok_count() + run.left_out().ok_count());
  EXPECT_EQ(both.server().ok_count(), both.client().ok_count());
  EXPECT_EQ(both.server().started_count(), both.connected_count());
  EXPECT_EQ(both.server().in_flight_count(), 0);
  for (const v1::HandshakeCounts* end : {&both.client(), &both.server()}) {
    ASSERT_EQ(end->steps_size(), 3);
    for (const v1::StepCount& step : end->steps()) {
      EXPECT_EQ(step.finished_count(), end->ok_count());
      EXPECT_EQ(step.untold_count(), 0);
    }
  }
  ASSERT_GE(run.events_size(), 1);
  EXPECT_EQ(run.events(0).text(), "mode switch epoll -> sequential");
  EXPECT_EQ(run.events(0).mode(), v1::MODE_SEQUENTIAL);
}

TEST_F(LedgerSystemTest, AnInterruptedRunIsBetween) {
  Process load(HANDSHAKE_CLIENT, Load({"--concurrency", "8", "--duration", "1m"}),
               {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(load.WaitForOutput(" failed"));  // the live line
  load.Signal(SIGINT);
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("agrees: the run ended early; the server completed"),
                               ContainsRegex("BOTH ENDS +CLIENT +SERVER +DIFFERENCE")));
}

TEST_F(LedgerSystemTest, AServerThatWasRestartedVoidsTheClaim) {
  Process load(HANDSHAKE_CLIENT, Load({"--concurrency", "4", "--duration", "1500ms", "-o", "json"}),
               {});
  ASSERT_TRUE(AwaitLoad());
  server_->Stop(SIGKILL);
  StartServer(target_, control_);
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 1);  // the run's own: handshakes failed
  const Reconciliation both = Read(ended).reconciliation();
  EXPECT_EQ(both.rule(), Reconciliation::RULE_VOID);
  EXPECT_EQ(both.outcome(), Reconciliation::OUTCOME_NO_CLAIM);
  EXPECT_THAT(both.reason(), HasSubstr("the server was restarted meanwhile"));
  EXPECT_FALSE(both.has_server());
}

TEST_F(LedgerSystemTest, AServerThatWasKilledVoidsTheClaim) {
  Process load(HANDSHAKE_CLIENT, Load({"--concurrency", "2", "--duration", "1s"}), {});
  ASSERT_TRUE(AwaitLoad());
  server_->Stop(SIGKILL);
  const Ended ended = load.Wait();
  EXPECT_THAT(ended.out, ContainsRegex("ledger +no claim: behind the run nothing answers at"));
  EXPECT_THAT(ended.out, Not(HasSubstr("BOTH ENDS")));
}

// Each of the two runs makes sure of the target with one handshake more.
TEST_F(LedgerSystemTest, OthersBesideAreSaidAndDoNotFailTheRun) {
  Process load(HANDSHAKE_CLIENT, Load({"--rate", "20", "--count", "20", "--arrivals", "even"}), {});
  ASSERT_TRUE(AwaitLoad());
  EXPECT_EQ(RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--count", "7"}).exit_code, 0);
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out,
              ContainsRegex("ledger +cannot be told: the server completed 29, and 21 were ok here; "
                            "it ended 8 more"));
  EXPECT_THAT(ended.out, ContainsRegex("ok +21 +29 +\\+8"));
}

TEST_F(LedgerSystemTest, WithoutControlTheRunsOwnCodeStands) {
  server_->Stop();
  StartServer("127.0.0.1:0", "127.0.0.1:0");
  const auto load = [&](const std::string& server) {
    return RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--count", "5", "--server", server});
  };
  const Ended nobody = load("127.0.0.1:1");
  EXPECT_EQ(nobody.exit_code, 0);
  EXPECT_THAT(nobody.out, ContainsRegex("ledger +no claim: nothing answers at 127.0.0.1:1"));
  EXPECT_THAT(load("nonsense").out, ContainsRegex("ledger +no claim: "));
  const Daemon agent(HANDSHAKE_CLIENT, {"agent", "--control", "127.0.0.1:0"});
  EXPECT_THAT(load(agent.AddressAfter("control on ")).out, HasSubstr("is no server's control"));
  const Daemon other(HANDSHAKE_SERVER, {"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"});
  EXPECT_THAT(load(other.AddressAfter("control on ")).out, HasSubstr("not at the target"));
  EXPECT_EQ(RunToEnd(HANDSHAKE_CLIENT,
                     {"load", target_, "--hold", "5", "--for", "1s", "--server", control_})
                .exit_code,
            2);
}

TEST_F(LedgerSystemTest, AnOperatorsRunIsReconciledToo) {
  const Ended own = Ctl(control_, {"load", "start", target_, "--count", "50", "-o", "json"});
  EXPECT_EQ(own.exit_code, 0) << own.err;
  EXPECT_EQ(Read(own).reconciliation().server().ok_count(), 51);
  EXPECT_EQ(Read(own).reconciliation().outcome(), Reconciliation::OUTCOME_AGREES);

  const Daemon agent(HANDSHAKE_CLIENT, {"agent", "--control", "127.0.0.1:0"});
  const std::string endpoint = agent.AddressAfter("control on ");
  const Ended unasked = Ctl(endpoint, {"load", "start", target_, "--count", "50", "-o", "json"});
  EXPECT_EQ(unasked.exit_code, 0) << unasked.err;
  EXPECT_FALSE(Read(unasked).has_reconciliation());
  const Ended asked = Ctl(
      endpoint, {"load", "start", target_, "--count", "50", "--server", control_, "-o", "json"});
  EXPECT_EQ(Read(asked).reconciliation().server().ok_count(), 51);
  EXPECT_EQ(Read(asked).reconciliation().server_endpoint(), control_);
  EXPECT_EQ(
      Ctl(endpoint, {"load", "start", target_, "--count", "5", "--detach", "--server", control_})
          .exit_code,
      2);
}

}  // namespace
}  // namespace handshake::testing

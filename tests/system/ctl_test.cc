// The three binaries together: an operator's session from first look to shutdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "tests/control/ctl/process.h"
#include "tests/support/small_disk.h"
#include "tests/system/daemon.h"

namespace handshake::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CtlSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.started() && agent_.started());
    target_ = server_.AddressAfter("listening on ");
    server_endpoint_ = server_.AddressAfter("control on ");
    agent_endpoint_ = agent_.AddressAfter("control on ");
  }
  Ended Server(std::vector<std::string> arguments) { return At(server_endpoint_, arguments); }
  Ended Agent(std::vector<std::string> arguments) { return At(agent_endpoint_, arguments); }
  static Ended At(const std::string& endpoint, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--endpoint", endpoint});
    return RunToEnd(HANDSHAKECTL, arguments);
  }
  template <class Message>
  static Message Read(const Ended& ended) {
    Message message;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &message).ok()) << ended.out;
    return message;
  }

  Daemon server_{HANDSHAKE_SERVER, {"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}};
  Daemon agent_{HANDSHAKE_CLIENT, {"agent", "--control", "127.0.0.1:0"}};
  std::string target_;
  std::string server_endpoint_;
  std::string agent_endpoint_;
};

TEST_F(CtlSystemTest, EveryModeServesWhatTheAgentSends) {
  int64_t generation = 1;
  for (const char* mode :
       {"sequential", "thread-per-connection", "thread-pool", "epoll", "coroutine", "io-uring"}) {
    SCOPED_TRACE(mode);
    const Ended changed = Server(
        {"mode", "set", mode, "--wait", "--expected-generation", std::to_string(generation)});
    EXPECT_EQ(changed.exit_code, 0) << changed.err;
    ++generation;
    EXPECT_THAT(
        Server({"mode", "get"}).out,
        ::testing::AllOf(::testing::StartsWith(mode),
                         ::testing::EndsWith("(generation " + std::to_string(generation) + ")\n")));
    const Ended loaded =
        Agent({"load", "start", target_, "--concurrency", "8", "--count", "200", "-o", "json"});
    EXPECT_EQ(loaded.exit_code, 0) << loaded.err << loaded.out;
    EXPECT_EQ(Read<v1::LoadRun>(loaded).ok_count(), 200);
  }
  const auto stats = Read<v1::Stats>(Server({"stats", "-o", "json"}));
  EXPECT_EQ(stats.generation(), generation);
  EXPECT_EQ(Read<v1::ListModeSwitchesResponse>(Server({"mode", "history", "-o", "json"}))
                .mode_switches_size(),
            6);
  EXPECT_EQ(Server({"mode", "set", "epoll", "--expected-generation", "1"}).exit_code, 4);
}

// handshakectl's own test holds it to the same.
TEST(HelpSystemTest, IsNoWiderThanEightyColumns) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> commands = {
      {HANDSHAKE_SERVER, {}},
      {HANDSHAKE_CLIENT, {}},
      {HANDSHAKE_CLIENT, {"connect"}},
      {HANDSHAKE_CLIENT, {"load"}},
      {HANDSHAKE_CLIENT, {"agent"}},
      {HANDSHAKE_CLIENT, {"lines"}},
      {HANDSHAKE_CLIENT, {"command"}},
      {HANDSHAKE_CLIENT, {"report"}},
      {HANDSHAKE_CLIENT, {"report", "diff"}}};
  for (auto [binary, arguments] : commands) {
    arguments.push_back("--help");
    const Ended ended = RunToEnd(binary, arguments);
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_THAT(ended.out, HasSubstr("Examples:\n  handshake-"));
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST_F(CtlSystemTest, TheClientByHand) {
  const Ended one = RunToEnd(HANDSHAKE_CLIENT, {"connect", target_, "--sequence", "100"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out,
              AllOf(HasSubstr("HELLO 100"), HasSubstr("HELLO 101"), HasSubstr("HELLO 102")));
  const Ended many = RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--concurrency", "4", "--count",
                                                 "100", "--framing", "bare", "-o", "json"});
  EXPECT_EQ(many.exit_code, 0) << many.err;
  EXPECT_EQ(Read<v1::LoadRun>(many).ok_count(), 100);
  EXPECT_THAT(many.err, IsEmpty());
  EXPECT_EQ(RunToEnd(HANDSHAKE_CLIENT, {"load", target_}).exit_code, 2);
}

TEST_F(CtlSystemTest, TheClientKeepsARate) {
  const Ended open = RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--rate", "500", "--arrivals",
                                                 "even", "--duration", "200ms", "-o", "json"});
  EXPECT_EQ(open.exit_code, 0) << open.err << open.out;
  const auto run = Read<v1::LoadRun>(open);
  EXPECT_EQ(run.planned_count(), 100);
  EXPECT_EQ(run.spec().rate_per_second(), 500);
  EXPECT_EQ(run.spec().max_in_flight_count(), 500);
  EXPECT_EQ(run.from_intended_start().count(), run.ok_count());
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--rate", "10", "--concurrency", "2"},
                                             {"--rate", "10", "--think-time", "1s"},
                                             {"--rate", "0"},
                                             {"--rate", "nan"},
                                             {"--rate", "10", "--arrivals", "bursty"},
                                             {"--arrivals", "even"},
                                             {"--stage", "1s:10", "--rate", "10"},
                                             {"--stage", "1s:10", "--duration", "1s"},
                                             {"--stage", "1s:10", "--stage", "24h:10"},
                                             {"--duration", "25h"},
                                             {"--allow-load", "10.0.0.0/8"},
                                             {"--warmup", "1s", "--duration", "1s"},
                                             {"--rate", "10", "--max-in-flight", "1000000"}}) {
    std::vector<std::string> arguments = {"load", target_, "--count", "1"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(RunToEnd(HANDSHAKE_CLIENT, arguments).exit_code, 2) << wrong[1];
  }
}

TEST_F(CtlSystemTest, TheClientGoesInStages) {
  const Ended staged =
      RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--stage", "100ms:0..400", "--stage",
                                  "100ms:400", "--arrivals", "even", "--warmup", "99ms"});
  EXPECT_EQ(staged.exit_code, 0) << staged.err;
  EXPECT_THAT(staged.out, AllOf(HasSubstr("100ms:0..400 100ms:400 even"), HasSubstr("40 planned"),
                                HasSubstr("warm-up"), HasSubstr("send lag")));
  const Ended wrong = RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--stage", "10s:5..x"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("column 8: 'x' is not a rate"));
}

TEST_F(CtlSystemTest, ATargetWithoutAnAddressIsUnreachable) {
  for (const Ended& ended :
       {RunToEnd(HANDSHAKE_CLIENT, {"load", "nowhere.invalid:7000", "--count", "1"}),
        Server({"load", "start", "nowhere.invalid:7000", "--count", "1"})}) {
    EXPECT_EQ(ended.exit_code, 3) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("'nowhere.invalid'"));
    EXPECT_THAT(ended.err, Not(HasSubstr("broke off")));
    EXPECT_THAT(ended.out, IsEmpty());
  }
  EXPECT_EQ(RunToEnd(HANDSHAKE_CLIENT, {"load", "no where:7000", "--count", "1"}).exit_code, 2);
}

TEST_F(CtlSystemTest, AFullDiskIsSaidBehindTheReportAndLeavesNoHalfFile) {
  const std::filesystem::path folder = ::testing::TempDir() + "full_" + std::to_string(getpid());
  std::filesystem::create_directory(folder);
  const auto names = [&] {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      found.push_back(entry.path().filename());
    }
    return found;
  };
  const bool permitted = test::OnSmallDisk(folder, 8'192, [&] {
    std::ofstream(folder / "a.html") << "before";
    const Ended ended =
        RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--count", "200", "--csv", folder / "a.csv",
                                    "--json", folder / "a.json", "--html", folder / "a.html"});
    EXPECT_EQ(ended.exit_code, 2) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("No space left on device"));
    EXPECT_THAT(ended.out, HasSubstr("200 ok, 0 failed"));
    std::ostringstream kept;
    kept << std::ifstream(folder / "a.html").rdbuf();
    EXPECT_EQ(kept.str(), "before");
    EXPECT_THAT(names(), Not(Contains(HasSubstr("tmp"))));
  });
  EXPECT_THAT(names(), IsEmpty()) << "the disk was seen outside";
  std::filesystem::remove(folder);
  if (!permitted) GTEST_SKIP() << "needs the right to mount";
}

TEST_F(CtlSystemTest, EachEndOfALoadRunHasItsExitCode) {
  const auto load = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"load", target_, "--rate", "500", "--count", "20"});
    return RunToEnd(HANDSHAKE_CLIENT, more);
  };
  EXPECT_EQ(load({"--fail-if", "errors > 0", "--stop-if", "p99 > 1h"}).exit_code, 0);
  const Ended breached = load({"--fail-if", "max < 1h"});
  EXPECT_EQ(breached.exit_code, 5);
  EXPECT_THAT(breached.out, AllOf(HasSubstr("failed"), HasSubstr("breached  "),
                                  HasSubstr("max < 1h: it is"), HasSubstr("verdict  ")));
  const Ended wrong = load({"--fail-if", "p95 > 5ms"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("column 1: 'p95' is not one of p50"));
  server_.Stop();
  EXPECT_EQ(load({}).exit_code, 3);
  EXPECT_EQ(load({"--fail-if", "errors > 0"}).exit_code, 3);
}

// What is wanted cannot be true above 300/s, whatever the server and this machine are.
TEST_F(CtlSystemTest, TheHighestRateIsFound) {
  const Ended found =
      RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--find-max", "rate < 300", "--arrivals", "even",
                                  "--trial-time", "200ms", "--precision", "30", "-o", "json"});
  EXPECT_EQ(found.exit_code, 0) << found.err << found.out;
  EXPECT_THAT(found.err, HasSubstr("searching from 100 to 1000000: at most 40 trials in 84s"));
  const auto report = Read<v1::CapacityReport>(found);
  EXPECT_EQ(report.schema_version(), "handshake.v1/1");
  EXPECT_EQ(report.outcome(), v1::CapacityReport::OUTCOME_FOUND);
  EXPECT_GE(report.proven_load(), 100);
  EXPECT_LT(report.proven_load(), report.lowest_failed_load());
  ASSERT_GE(report.trials_size(), 4);
  EXPECT_EQ(report.trials(0).load(), 100);
  EXPECT_GT(report.trials(0).load_run().from_intended_start().count(), 0);
}

TEST_F(CtlSystemTest, EachEndOfASearchHasItsExitCode) {
  const auto search = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"load", target_, "--trial-time", "200ms"});
    return RunToEnd(HANDSHAKE_CLIENT, more);
  };
  const Ended none = search({"--find-max", "max < 1us", "--search-from", "2"});
  EXPECT_EQ(none.exit_code, 5) << none.err << none.out;
  EXPECT_THAT(none.out, AllOf(HasSubstr("none: not even 1/s passed"),
                              ContainsRegex("did not pass +1/s: max < 1us: ")));
  const Ended limit = search({"--find-max", "errors < 100%", "--search-to", "40"});
  EXPECT_EQ(limit.exit_code, 0) << limit.err << limit.out;
  EXPECT_THAT(limit.out, HasSubstr("at least 40/s, proven for 600 ms"));
  const Ended held = search({"--find-max-concurrent", "--search-from", "20", "--search-to", "50"});
  EXPECT_EQ(held.exit_code, 0) << held.err << held.out;
  EXPECT_THAT(held.out, AllOf(HasSubstr("at least 50 connections, proven for 600 ms"),
                              HasSubstr("FINISHED")));
  server_.Stop();
  const Ended unreachable = search({"--find-max", "errors = 0"});
  EXPECT_EQ(unreachable.exit_code, 3) << unreachable.err << unreachable.out;
  EXPECT_THAT(unreachable.out, HasSubstr("the server cannot be reached; nothing passed"));
}

TEST_F(CtlSystemTest, ABadSearchIsRefused) {
  const std::pair<std::vector<std::string>, std::string> kCases[] = {
      {{"--find-max", "p95 < 5ms"}, "column 1: 'p95' is not one of"},
      {{"--find-max", "p99 < 5ms over 2s"}, "no window here, a trial is one"},
      {{"--find-max", "p99 < 5ms", "--find-max-concurrent"}, "held connections have errors only"},
      {{"--find-max", "errors = 0", "--rate", "5"}, "--rate"},
      {{"--find-max", "errors = 0", "--search-to", "1000001"}, "at most 1000000/s"},
      {{"--find-max", "errors = 0", "--search-from", "9", "--search-to", "5"}, "--search-from"},
      {{"--find-max", "errors = 0", "--precision", "0.5"}, "--precision"},
      {{"--find-max", "errors = 0", "--trial-time", "2m"}, "from 200ms to 1m"},
      {{"--search-to", "5", "--count", "1"}, "require --find-max"}};
  for (const auto& [flags, says] : kCases) {
    std::vector<std::string> arguments = {"load", target_};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Ended refused = RunToEnd(HANDSHAKE_CLIENT, arguments);
    EXPECT_EQ(refused.exit_code, 2) << says;
    EXPECT_THAT(refused.err, HasSubstr(says));
  }
}

TEST_F(CtlSystemTest, AnInterruptedSearchShowsWhatItFound) {
  Process search(HANDSHAKE_CLIENT,
                 {"load", target_, "--find-max", "errors < 100%", "--trial-time", "1m"},
                 {.terminal = true});
  ASSERT_TRUE(search.WaitForOutput("trial 1, grow 100/s"));
  search.Signal(SIGINT);
  const Ended ended = search.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("interrupted; nothing passed"), HasSubstr("grow")));
}

TEST_F(CtlSystemTest, TheOperatorOrdersAnOpenLoop) {
  const Ended open = Agent({"load", "start", target_, "--rate", "500", "--count", "50", "--seed",
                            "7", "--fail-if", "errors > 0", "-o", "json"});
  EXPECT_EQ(open.exit_code, 0) << open.err << open.out;
  const auto run = Read<v1::LoadRun>(open);
  EXPECT_EQ(run.ok_count(), 50);
  EXPECT_EQ(run.spec().seed(), 7);
  EXPECT_EQ(run.send_lag().count(), 50);
  EXPECT_EQ(Agent({"load", "start", target_, "--stage", "50ms:0..400", "--warmup", "1ms",
                   "--fail-if", "max < 1h"})
                .exit_code,
            5);
  const Ended refused = Agent({"load", "start", target_, "--rate", "5001", "--count", "1"});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.err, HasSubstr("the cap is 5000"));
  EXPECT_EQ(Agent({"load", "start", target_, "--stage", "1s:x"}).exit_code, 4);
  EXPECT_EQ(Agent({"load", "start", target_, "--rate", "1", "--concurrency", "2", "--count", "1"})
                .exit_code,
            2);
  EXPECT_EQ(Agent({"load", "start", target_, "--rate", "0", "--count", "1"}).exit_code, 2);
}

TEST_F(CtlSystemTest, TheOperatorChangesARunThatGoesOn) {
  const std::vector<std::string> start = {"load", "start", target_, "--duration", "1m", "--detach"};
  EXPECT_EQ(Agent(start).exit_code, 0);
  EXPECT_EQ(Agent({"load", "set", "run-1", "--concurrency", "3"}).out,
            "run-1 goes on, 3 at once\n");
  EXPECT_EQ(Agent({"load", "pause", "run-1"}).out, "run-1 is paused, 3 at once\n");
  EXPECT_EQ(Agent({"load", "resume", "run-1"}).out, "run-1 goes on, 3 at once\n");
  const Ended wrong = Agent({"load", "set", "run-1", "--rate", "5"});
  EXPECT_EQ(wrong.exit_code, 4);
  EXPECT_THAT(wrong.err, HasSubstr("closed loop"));
  EXPECT_THAT(
      Agent({"load", "cancel", "run-1"}).out,
      AllOf(HasSubstr("concurrency 1 -> 3"), HasSubstr("  paused\n"), HasSubstr("  resumed\n")));
  EXPECT_EQ(Agent({"load", "pause", "run-1"}).exit_code, 4);
}

TEST_F(CtlSystemTest, LoadIsNoCannon) {
  const Daemon open(HANDSHAKE_CLIENT,
                    {"agent", "--control", "127.0.0.1:0", "--allow-load", "198.51.100.0/24:7000"});
  ASSERT_TRUE(open.started());
  const Ended other =
      At(open.AddressAfter("control on "), {"load", "start", "198.51.100.1:7001", "--count", "1"});
  EXPECT_EQ(other.exit_code, 4);
  EXPECT_THAT(other.err, HasSubstr("[::1], 198.51.100.0/24:7000"));
  const Ended ordered = Agent({"load", "start", "192.0.2.1:7000", "--count", "1"});
  EXPECT_EQ(ordered.exit_code, 4);
  EXPECT_THAT(ordered.err, HasSubstr("PERMISSION_DENIED"));
  const Ended local = RunToEnd(HANDSHAKE_CLIENT, {"load", "192.0.2.1:7000", "--count", "1"});
  EXPECT_EQ(local.exit_code, 2);
  EXPECT_THAT(local.err, HasSubstr("loopback"));
  EXPECT_EQ(Agent({"load", "start", target_, "--count", "1000000001"}).exit_code, 4);
}

TEST_F(CtlSystemTest, CtrlCEndsALocalRunWithItsReport) {
  Process load(HANDSHAKE_CLIENT, {"load", target_, "--duration", "1m"},
               {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(load.WaitForOutput(" failed"));  // the live line
  load.Signal(SIGINT);
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, HasSubstr("cancelled"));
}

TEST_F(CtlSystemTest, TheClientHoldsManyInSeveralProcesses) {
  const Ended held = RunToEnd(HANDSHAKE_CLIENT, {"load", target_, "--hold", "300", "--for", "200ms",
                                                 "--processes", "2", "-o", "json"});
  EXPECT_EQ(held.exit_code, 0) << held.err << held.out;
  const auto run = Read<v1::HoldRun>(held);
  EXPECT_EQ(run.schema_version(), "handshake.v1/1");
  EXPECT_EQ(run.state(), v1::LoadRun::STATE_SUCCEEDED);
  EXPECT_EQ(run.process_count(), 2);
  EXPECT_EQ(run.opened_count(), 300);
  EXPECT_EQ(run.held_count(), 300);
  EXPECT_EQ(run.finished_count(), 300);
  EXPECT_EQ(run.failed_count(), 0);
  EXPECT_GE(run.hold_time().nanos(), 200'000'000);
  EXPECT_GT(run.opened_per_second(), 0);
  EXPECT_GT(run.finished_per_second(), 0);
  const auto stats = Read<v1::Stats>(Server({"stats", "-o", "json"}));
  EXPECT_EQ(stats.modes(0).completed_count(), 300);
}

TEST_F(CtlSystemTest, AHoldThatOutlivesTheServersDeadlinesSaysWhatToDo) {
  const Daemon hasty(HANDSHAKE_SERVER, {"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
                                        "--step-timeout", "500ms"});
  ASSERT_TRUE(hasty.started());
  const Ended held = RunToEnd(HANDSHAKE_CLIENT, {"load", hasty.AddressAfter("listening on "),
                                                 "--hold", "20", "--for", "1m"});
  EXPECT_EQ(held.exit_code, 1);
  EXPECT_THAT(held.out, HasSubstr("the server ended 20 while they were held"));
  EXPECT_THAT(held.out, HasSubstr("--step-timeout 10m"));
  EXPECT_THAT(held.out, HasSubstr("--handshake-timeout 10m"));
  EXPECT_THAT(held.out, HasSubstr("PEER_ERROR"));
}

TEST_F(CtlSystemTest, CtrlCEndsAHoldEarlyAndFinishesIt) {
  Process load(HANDSHAKE_CLIENT, {"load", target_, "--hold", "50", "--for", "4s"},
               {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(load.WaitForOutput("holding: 50"));  // the live line
  load.Signal(SIGINT);
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, HasSubstr("cancelled: interrupted, what was open was finished at once"));
  EXPECT_THAT(ended.out, ContainsRegex("finished +50 in"));
  const auto stats = Read<v1::Stats>(Server({"stats", "-o", "json"}));
  EXPECT_EQ(stats.modes(0).completed_count(), 50);
}

TEST_F(CtlSystemTest, AHoldIsNoLoadAndTheOtherWayRound) {
  const struct {
    std::vector<std::string> flags;
    const char* says;
  } kCases[] = {
      {{"--hold", "5"}, "--hold: --for is required"},
      {{"--hold", "5", "--for", "1s", "--count", "5"}, "--count excludes --hold"},
      {{"--hold", "5", "--for", "1s", "--duration", "1s"}, "--duration excludes --hold"},
      {{"--hold", "5", "--for", "1s", "--concurrency", "5"}, "--concurrency excludes --hold"},
      {{"--hold", "5", "--for", "1s", "--threads", "1"}, "--threads excludes --hold"},
      {{"--hold", "5", "--for", "61m"}, "--for: at most 1h"},
      {{"--hold", "0", "--for", "1s"}, "--hold: Value 0 not in range"},
      {{"--hold", "5", "--for", "1s", "--processes", "257"}, "--processes: Value 257 not in range"},
      {{"--for", "1s", "--count", "5"}, "--for requires --hold"},
      {{"--processes", "2", "--count", "5"}, "--processes requires --hold"},
      {{"--hold", "10000000", "--for", "1s", "--processes", "1"}, "need a limit of 10000016 open"},
  };
  for (const auto& c : kCases) {
    std::vector<std::string> arguments = {"load", target_};
    arguments.insert(arguments.end(), c.flags.begin(), c.flags.end());
    const Ended refused = RunToEnd(HANDSHAKE_CLIENT, arguments);
    EXPECT_EQ(refused.exit_code, 2) << c.says;
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_THAT(refused.out, IsEmpty());
  }
}

TEST_F(CtlSystemTest, BothEndWellAndThenCannotBeReached) {
  EXPECT_EQ(agent_.Stop().exit_code, 0);
  EXPECT_EQ(server_.Stop().exit_code, 0);
  EXPECT_EQ(Server({"status"}).exit_code, 3);
  const Ended refused = RunToEnd(HANDSHAKE_CLIENT, {"connect", target_});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.out, HasSubstr("CONNECT_REFUSED"));
}

}  // namespace
}  // namespace handshake::testing

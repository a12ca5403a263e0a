// handshakectl compare against a live server: what it measures, and that it leaves nothing behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "handshake/v1/compare_report.pb.h"
#include "tests/control/ctl/process.h"
#include "tests/system/daemon.h"

namespace handshake::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The processes that `parent` has started, by id.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  const std::string id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

bool Exists(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }

bool WaitUntilGone(pid_t pid) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Exists(pid)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class CompareSystemTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.started()); }

  // The words of a comparison that takes little time a block.
  std::vector<std::string> Words(std::vector<std::string> more) const {
    std::vector<std::string> words = {"compare"};
    words.insert(words.end(), more.begin(), more.end());
    for (const auto& [flag, value] :
         {std::pair("--endpoint", endpoint_.c_str()), std::pair("--block-time", "200ms"),
          std::pair("--settle", "200ms")}) {
      if (std::find(more.begin(), more.end(), flag) != more.end()) continue;
      words.insert(words.end(), {flag, value});
    }
    return words;
  }
  Ended Compare(const std::vector<std::string>& more) const {
    return RunToEnd(HANDSHAKECTL, Words(more));
  }
  // One with a terminal, whose progress can be waited for.
  Process Watched(const std::vector<std::string>& more) const {
    return {HANDSHAKECTL, Words(more), {.environment = {{"TERM", "xterm"}}, .terminal = true}};
  }
  std::string ModeInForce() const {
    return RunToEnd(HANDSHAKECTL, {"--endpoint", endpoint_, "mode", "get"}).out;
  }

  Daemon server_{HANDSHAKE_SERVER,
                 {"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--mode", "coroutine"}};
  const std::string endpoint_ = server_.AddressAfter("control on ");
};

// A busy machine may make the generator late: it says so with 6.
::testing::Matcher<int> Done() { return AnyOf(0, 6); }

TEST_F(CompareSystemTest, TwoModesUnderOneLoad) {
  const Ended ended = Compare({"--modes", "epoll,thread-pool", "--rate", "300", "--blocks", "2",
                               "--block-time", "600ms", "-o", "json"});
  EXPECT_THAT(ended.exit_code, Done()) << ended.err << ended.out;
  v1::CompareReport report;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &report).ok()) << ended.out;
  EXPECT_EQ(report.schema_version(), "1");
  EXPECT_EQ(report.done_round_count(), 2);
  EXPECT_EQ(report.baseline(), "epoll");
  EXPECT_EQ(report.failed_count(), 0);
  EXPECT_EQ(report.stop_reason(), "");
  EXPECT_GE(report.switch_count(), 3);
  ASSERT_EQ(report.blocks_size(), 4);
  std::set<std::pair<int64_t, std::string>> visited;
  for (const v1::CompareBlock& block : report.blocks()) {
    visited.emplace(block.round(), block.name());
    EXPECT_GT(block.ok_count(), 0);
    EXPECT_EQ(block.latency().count(), block.ok_count());
    EXPECT_GT(block.latency().p50_us(), 0);
    // The server counted them to this mode.
    EXPECT_GT(block.completed_count(), 0);
    EXPECT_GT(block.engine_cpu_time().nanos(), 0);
    EXPECT_GT(block.resident_bytes(), 0);
  }
  EXPECT_THAT(visited, SizeIs(4));
  for (const v1::ComparedMode& mode : report.modes()) {
    EXPECT_GT(mode.p50().value(), 0);
    EXPECT_GT(mode.cpu().value(), 0);
    EXPECT_FALSE(mode.p50().real());  // of two blocks
  }
  EXPECT_THAT(ModeInForce(), StartsWith("coroutine"));
}

TEST_F(CompareSystemTest, AModeWithItselfThroughAnAgentThatRuns) {
  Daemon agent(HANDSHAKE_CLIENT, {"agent", "--control", "127.0.0.1:0"});
  const Ended ended = Compare({"--modes", "coroutine,coroutine", "--concurrency", "2", "--blocks",
                               "1", "--agent", agent.AddressAfter("control on ")});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("coroutine#2"), HasSubstr("2 at once, closed loop"),
                               HasSubstr("over 0 switches"), HasSubstr("AGAINST coroutine")));
  EXPECT_EQ(agent.Stop().exit_code, 0);
}

TEST_F(CompareSystemTest, CtrlCShowsWhatThereIsAndLeavesNothing) {
  Process compare = Watched({"--modes", "sequential,epoll", "--rate", "100", "--blocks", "500"});
  ASSERT_TRUE(compare.WaitForOutput("round 2 of 500"));
  const std::vector<pid_t> children = ChildrenOf(compare.pid());
  ASSERT_THAT(children, SizeIs(1));
  compare.Signal(SIGINT);
  const Ended ended = compare.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, ContainsRegex("cut short +.*after 1 of 500 rounds: interrupted"));
  EXPECT_FALSE(Exists(children[0]));
  EXPECT_THAT(ModeInForce(), StartsWith("coroutine"));
}

TEST_F(CompareSystemTest, ItsAgentDoesNotOutliveItEvenIfItIsKilled) {
  Process compare = Watched({"--modes", "sequential,epoll", "--rate", "100"});
  ASSERT_TRUE(compare.WaitForOutput("round 1 of 24"));
  const std::vector<pid_t> children = ChildrenOf(compare.pid());
  ASSERT_THAT(children, SizeIs(1));
  compare.Signal(SIGKILL);
  compare.Wait();
  EXPECT_TRUE(WaitUntilGone(children[0]));
}

TEST_F(CompareSystemTest, AnotherOperatorsSwitchEndsItAndStands) {
  Process compare = Watched({"--modes", "sequential,epoll", "--rate", "100"});
  ASSERT_TRUE(compare.WaitForOutput("round 2 of 24"));
  EXPECT_EQ(
      RunToEnd(HANDSHAKECTL, {"--endpoint", endpoint_, "mode", "set", "thread-pool"}).exit_code, 0);
  const Ended ended = compare.Wait();
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("somebody else switches the server: thread-pool is in"),
                               HasSubstr("cut short")));
  EXPECT_THAT(ModeInForce(), StartsWith("thread-pool"));
}

TEST_F(CompareSystemTest, AServerThatStopsEndsIt) {
  Process compare = Watched({"--modes", "sequential,epoll", "--rate", "100"});
  ASSERT_TRUE(compare.WaitForOutput("round 1 of 24"));
  server_.Stop();
  const Ended ended = compare.Wait();
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.out, HasSubstr("handshakectl: "));
}

// Needs no server: it starts its own.
Ended Table(std::vector<std::string> more) {
  more.insert(more.begin(), {"compare", "--table", "--probe-time", "200ms"});
  return RunToEnd(HANDSHAKECTL, more);
}

TEST(ModeTableSystemTest, EachModeInAFreshServer) {
  const Ended ended = Table({"--modes", "epoll,coroutine", "--max-clients", "20", "-o", "json"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  v1::ModeTable table;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &table).ok()) << ended.out;
  ASSERT_EQ(table.rows_size(), 2);
  for (const v1::ModeTableRow& row : table.rows()) {
    SCOPED_TRACE(row.name());
    EXPECT_EQ(row.unavailable_reason(), "");
    EXPECT_EQ(row.held_count(), 20);
    EXPECT_TRUE(row.held_all());
    EXPECT_FALSE(row.has_held_bytes());
    EXPECT_GT(row.served_count(), 0);
    EXPECT_GT(row.cpu_us(), 0);
    EXPECT_EQ(row.overload_client_count(), 2 * row.served_count());
    EXPECT_GT(row.overload_started_count(), 0);
  }
}

TEST(ModeTableSystemTest, CtrlCLeavesNothing) {
  Process table(HANDSHAKECTL, {"compare", "--table", "--modes", "sequential"},
                {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(table.WaitForOutput("mode 1 of 1: sequential  how many it holds"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::vector<pid_t> children;
  while (children.size() < 2 && std::chrono::steady_clock::now() < end) {
    children = ChildrenOf(table.pid());  // a server and who holds
  }
  ASSERT_THAT(children, SizeIs(2));
  table.Signal(SIGINT);
  EXPECT_EQ(table.Wait().exit_code, 130);
  for (const pid_t child : children) EXPECT_FALSE(Exists(child));
}

TEST(ModeTableSystemTest, WhatCannotBeDoneIsOneLine) {
  const struct {
    std::vector<std::string> words;
    int exit_code;
    const char* says;
  } kCases[] = {
      {{"--rate", "10"}, 2, "--rate excludes --table"},
      {{"--max-clients", "10001"}, 2, "--max-clients"},
      {{"--server", "/nowhere/handshake-server"}, 2, "cannot start /nowhere/handshake-server"},
  };
  for (const auto& c : kCases) {
    const Ended ended = Table(c.words);
    SCOPED_TRACE(c.says);
    EXPECT_EQ(ended.exit_code, c.exit_code);
    EXPECT_THAT(ended.err, AllOf(StartsWith("handshakectl: "), HasSubstr(c.says)));
    EXPECT_THAT(ended.out, IsEmpty());
  }
  const Ended needs = RunToEnd(HANDSHAKECTL, {"compare", "--rate", "10", "--max-clients", "5"});
  EXPECT_EQ(needs.exit_code, 2);
  EXPECT_THAT(needs.err, HasSubstr("--max-clients requires --table"));
}

TEST_F(CompareSystemTest, WhatCannotBeDoneIsOneLine) {
  const struct {
    std::vector<std::string> words;
    int exit_code;
    const char* says;
  } kCases[] = {
      {{}, 2, "one of --rate and --concurrency is required"},
      {{"--rate", "10", "--concurrency", "1"}, 2, "--rate excludes --concurrency"},
      {{"--rate", "0"}, 2, "--rate"},
      {{"--rate", "10", "--modes", "turbo,epoll"}, 2, "no mode 'turbo'; there are all, sequential"},
      {{"--rate", "10", "--modes", "epoll"}, 2, "give two at least"},
      {{"--rate", "10", "--modes", "epoll,io-uring", "--baseline", "coroutine"}, 2, "--baseline"},
      {{"--rate", "10", "--blocks", "0"}, 2, "--blocks"},
      {{"--rate", "10", "--block-time", "4h"},
       2,
       "a round of 6 blocks takes longer than the 86395 s"},
      {{"--rate", "10", "--settle", "10ms"}, 2, "200ms at least"},
      {{"--rate", "10", "--agent", "10.0.0.1:1"}, 2, "loopback"},
      {{"--rate", "10", "--agent", "127.0.0.1:1"}, 3, "127.0.0.1:1"},
      {{"--rate", "5001"}, 4, "the cap is 5000"},
      {{"--rate", "10", "--endpoint", "127.0.0.1:1"}, 3, "127.0.0.1:1"},
  };
  for (const auto& c : kCases) {
    const Ended ended = Compare(c.words);
    SCOPED_TRACE(::testing::PrintToString(c.words));
    EXPECT_EQ(ended.exit_code, c.exit_code);
    EXPECT_THAT(ended.err, AllOf(StartsWith("handshakectl: "), HasSubstr(c.says)));
    EXPECT_THAT(ended.out, IsEmpty());
  }
  EXPECT_THAT(ModeInForce(), StartsWith("coroutine, "));
  EXPECT_THAT(ModeInForce(), HasSubstr("(generation 1)"));
}

}  // namespace
}  // namespace handshake::testing

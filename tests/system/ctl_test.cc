// The three binaries together: an operator's session from first look to shutdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "handshake/v1/load_service.pb.h"
#include "handshake/v1/server_service.pb.h"
#include "tests/control/ctl/process.h"

namespace handshake::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A process that prints "<label>HOST:PORT" lines and then "ready".
class Daemon {
 public:
  Daemon(const std::string& binary, const std::vector<std::string>& arguments)
      : process_(binary, arguments, {}) {
    started_ = process_.WaitForOutput("ready");
  }
  bool started() const { return started_; }
  std::string AddressAfter(const std::string& label) const {
    const std::string& out = process_.output();
    const size_t at = out.find(label);
    if (at == std::string::npos) return "";
    const size_t begin = at + label.size();
    return out.substr(begin, out.find_first_of(" \n", begin) - begin);
  }
  Ended Stop() {
    process_.Signal(SIGTERM);
    return process_.Wait();
  }

 private:
  Process process_;
  bool started_ = false;
};

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
    EXPECT_EQ(Server({"mode", "get"}).out,
              std::string(mode) + " (generation " + std::to_string(generation) + ")\n");
    const Ended loaded =
        Agent({"load", "start", target_, "--concurrency", "8", "--count", "200", "-o", "json"});
    EXPECT_EQ(loaded.exit_code, 0) << loaded.err << loaded.out;
    EXPECT_EQ(Read<v1::LoadRun>(loaded).ok_count(), 200);
  }
  const auto stats = Read<v1::Stats>(Server({"stats", "-o", "json"}));
  EXPECT_EQ(stats.generation(), generation);
  EXPECT_EQ(Read<v1::ListModeSwitchesResponse>(Server({"mode", "history", "-o", "json"}))
                .mode_switches_size(),
            4);
  EXPECT_EQ(Server({"mode", "set", "epoll", "--expected-generation", "1"}).exit_code, 4);
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

TEST_F(CtlSystemTest, LoadIsNoCannon) {
  const Ended ordered = Agent({"load", "start", "192.0.2.1:7000", "--count", "1"});
  EXPECT_EQ(ordered.exit_code, 4);
  EXPECT_THAT(ordered.err, HasSubstr("PERMISSION_DENIED"));
  const Ended local = RunToEnd(HANDSHAKE_CLIENT, {"load", "192.0.2.1:7000", "--count", "1"});
  EXPECT_EQ(local.exit_code, 2);
  EXPECT_THAT(local.err, HasSubstr("loopback"));
  EXPECT_EQ(Agent({"load", "start", target_, "--count", "1000001"}).exit_code, 4);
}

TEST_F(CtlSystemTest, CtrlCEndsALocalRunWithItsReport) {
  Process load(HANDSHAKE_CLIENT, {"load", target_, "--duration", "1m"},
               {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(load.WaitForOutput(" ok  "));  // the live line
  load.Signal(SIGINT);
  const Ended ended = load.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, HasSubstr("cancelled"));
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

// handshake-client's talks with our own server, in every mode and through every switch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "tests/control/ctl/process.h"
#include "tests/system/client_by_hand.h"
#include "tests/system/daemon.h"

namespace handshake::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::StartsWith;

const std::vector<std::string> kModes = {
    "sequential", "thread-per-connection", "thread-pool", "epoll", "coroutine", "io-uring"};

class TalksTest : public ::testing::TestWithParam<std::string> {
 protected:
  // A server of this one protocol.
  static std::vector<std::string> Serving(const std::string& protocol) {
    return {"--mode",      GetParam(), "--control",
            "127.0.0.1:0", "--listen", protocol + "=127.0.0.1:0"};
  }
};

INSTANTIATE_TEST_SUITE_P(Modes, TalksTest, ::testing::ValuesIn(kModes), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(TalksTest, LinesComeBackAsTheyWere) {
  Daemon server(HANDSHAKE_SERVER, Serving("lines"));
  ASSERT_TRUE(server.started());
  const std::string address = server.AddressAfter("listening on ");
  const Ended file = Shell("f=$(mktemp) && seq 20000 > $f && $client lines " + address +
                           " < $f > $f.out; echo code $?; cmp $f $f.out && echo same; "
                           "rm -f $f $f.out");
  EXPECT_EQ(file.out, "code 0\nsame\n") << file.err;
  const Ended ends = Shell("printf 'one\\r\\nlast' | $client lines " + address);
  EXPECT_EQ(ends.out, "one\r\nlast\n");
  const Ended longest = Shell("head -c 8191 /dev/zero | tr '\\0' x | $client lines " + address);
  EXPECT_EQ(longest.out, std::string(8'191, 'x') + "\n") << longest.err;
  Process exits(HANDSHAKE_CLIENT, {"lines", address}, {.input = true});
  exits.Write("one\nexit\n");  // and the input stays open
  const Ended ended = exits.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "one\n");
}

TEST_P(TalksTest, CommandsAreAnswered) {
  Daemon server(HANDSHAKE_SERVER, Serving("command"));
  ASSERT_TRUE(server.started());
  const std::string address = server.AddressAfter("listening on ");
  const auto command = [&](const std::string& words) {
    return Shell("$client command " + address + " " + words);
  };
  EXPECT_EQ(command("PING").out, "PONG\n");
  EXPECT_EQ(command("ECHO a b --header 'Trace: 17'").out, "a b\n");
  EXPECT_EQ(command("MODE").out, GetParam() + "\nGeneration: 1\n");
  EXPECT_THAT(command("STATS").out, ContainsRegex("Accepted: [0-9]+\n"));
  ExpectComplaint(command("NOPE"), 4, "ERROR UNKNOWN_COMMAND ");
  const Ended piped = Shell(
      "printf 'PING\\nHELLO 100\\nHELLO 102\\nHELLO x\\nPING\\n' | $client "
      "command " +
      address);
  EXPECT_EQ(piped.out, "PONG\nHELLO 101\nHELLO DONE\nPONG\n");
  ExpectComplaint(piped, 4, "ERROR BAD_ARGUMENT ");
}

TEST_P(TalksTest, AServerThatStopsIsTold) {
  Daemon server(HANDSHAKE_SERVER, Serving("lines"));
  ASSERT_TRUE(server.started());
  Process client(HANDSHAKE_CLIENT, {"lines", server.AddressAfter("listening on ")},
                 {.input = true});
  client.Write("one\n");
  ASSERT_TRUE(client.WaitForOutput("one\n"));
  server.Stop();
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, StartsWith("handshake-client: "));
}

TEST(TalksThroughSwitchesTest, BothGoOnInEveryMode) {
  Daemon server(HANDSHAKE_SERVER, {"--control", "127.0.0.1:0", "--listen", "lines=127.0.0.1:0"});
  Daemon commands(HANDSHAKE_SERVER,
                  {"--control", "127.0.0.1:0", "--listen", "command=127.0.0.1:0"});
  ASSERT_TRUE(server.started() && commands.started());
  Process lines(HANDSHAKE_CLIENT, {"lines", server.AddressAfter("listening on ")}, {.input = true});
  const std::string address = commands.AddressAfter("listening on ");
  Process typed(HANDSHAKE_CLIENT, {"command", address}, {.terminal = true, .input = true});
  for (const std::string& mode : kModes) {
    for (const Daemon* daemon : {&server, &commands}) {
      const Ended set = RunToEnd(
          HANDSHAKECTL, {"--endpoint", daemon->AddressAfter("control on "), "mode", "set", mode});
      EXPECT_EQ(set.exit_code, 0) << set.err;
    }
    lines.Write("in " + mode + "\n");
    EXPECT_TRUE(lines.WaitForOutput("in " + mode + "\n"));
    typed.Write("MODE\n");
    EXPECT_TRUE(typed.WaitForOutput("MODE\r\n" + mode + "\r\n")) << typed.output();
  }
  lines.EndInput();
  typed.Write("quit\n");
  EXPECT_EQ(lines.Wait().exit_code, 0);
  EXPECT_EQ(typed.Wait().exit_code, 0);
}

}  // namespace
}  // namespace handshake::testing

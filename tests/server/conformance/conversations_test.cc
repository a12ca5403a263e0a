// The long-lived protocols, in every mode: the same answers and verdicts, and silence costs nobody
// else a thing.
#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/conformance/conformance.h"

namespace handshake::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using wire::Verdict;

enum Listener : size_t { kHandshake, kLines, kCommand };

class Conversations : public Conformance {
 protected:
  void Start() { Start({}, {}); }
  void Start(const wire::LinesOptions& lines, const wire::CommandOptions& command) {
    const net::Address any = *net::Address::Parse("127.0.0.1:0");
    server::DataPlaneOptions options;
    options.listeners = {{.address = any, .protocol = wire::HandshakeOptions()},
                         {.address = any, .protocol = lines},
                         {.address = any, .protocol = command}};
    Conformance::Start(options);
  }
  server::LedgerRow Row(Listener listener) {
    return plane().Stats()->listeners.at(listener).ledger;
  }
  // Waits until so many have ended at it, and nobody is left there.
  void AwaitRow(Listener listener, Verdict verdict, int64_t count) {
    AwaitLedger("the row of one listener", [&](const auto&) {
      const server::LedgerRow row = Row(listener);
      return row.ended[static_cast<size_t>(verdict)] == count && row.in_flight == 0;
    });
  }
};

std::string Ask(RawClient& client, const std::string& command, size_t answer_size) {
  EXPECT_TRUE(client.Send(command + "\r\n\r\n"));
  return client.Receive(answer_size);
}

void Greet(RawClient& client) {
  const std::string greeting = "OK handshake unknown\r\n\r\n";  // nobody told it the version
  EXPECT_EQ(client.Receive(greeting.size()), greeting);
}

TEST_P(Conversations, AllListenersAtOnce) {
  Start();
  RawClient lines(address(kLines));
  RawClient command(address(kCommand));
  Greet(command);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(lines.Send("line\r\n"));
    EXPECT_EQ(lines.Receive(6), "line\r\n");
    EXPECT_EQ(Ask(command, "PING", 11), "OK PONG\r\n\r\n");
    EXPECT_TRUE(GoodClient(address(kHandshake), i).Run());
  }
  ASSERT_TRUE(lines.Send("exit\n"));
  EXPECT_EQ(lines.ReceiveAll().end, StreamEnd::kFin);
  EXPECT_EQ(Ask(command, "QUIT", 10), "OK BYE\r\n\r\n");
  EXPECT_EQ(command.ReceiveAll().end, StreamEnd::kFin);
  AwaitRow(kHandshake, Verdict::kOk, 20);
  AwaitRow(kLines, Verdict::kOk, 1);
  AwaitRow(kCommand, Verdict::kOk, 1);
  EXPECT_EQ(Row(kLines).messages, 21);
  EXPECT_EQ(Row(kLines).bytes_received, 20 * 6 + 5);
  EXPECT_EQ(Row(kLines).bytes_sent, 20 * 6);
  EXPECT_EQ(Row(kCommand).messages, 21);
  EXPECT_EQ(Row(kHandshake).messages, 0);
  // How long a conversation lasts is no latency of a handshake.
  EXPECT_EQ(Ledger().handshake.count(), 20);
}

// More of them than the mode has threads.
TEST_P(Conversations, SilentOnesKeepNobodyWaiting) {
  Start();
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 50; ++i) {
    silent.push_back(std::make_unique<RawClient>(address(kLines)));
    ASSERT_TRUE(silent.back()->Send(i % 2 == 0 ? "half a li" : "whole\n"));
  }
  for (int x = 0; x < 10; ++x) EXPECT_TRUE(GoodClient(address(kHandshake), x).Run());
  for (size_t i = 0; i < silent.size(); ++i) {
    if (i % 2 == 0) {
      EXPECT_TRUE(silent[i]->Send("ne\n"));
    }
    EXPECT_EQ(silent[i]->Receive(i % 2 == 0 ? 12 : 6), i % 2 == 0 ? "half a line\n" : "whole\n");
    silent[i]->Close();
  }
  AwaitRow(kLines, Verdict::kOk, 50);
}

// As many as want to be served at any moment.
TEST_P(Conversations, BusyOnesKeepNobodyWaiting) {
  Start();
  std::atomic<bool> done{false};
  std::string block;
  while (block.size() < 64 * 1024) block += "a line\n";
  std::vector<std::thread> busy;
  for (int i = 0; i < 8; ++i) {
    busy.emplace_back([&] {
      RawClient client(address(kLines));
      while (!done && client.Send(block) && client.Receive(block.size()) == block) {
      }
      EXPECT_TRUE(done.load());
    });
  }
  AwaitLedger("all of them busy", [&](const auto&) { return Row(kLines).messages > 100'000; });
  for (int x = 0; x < 20; ++x) EXPECT_TRUE(GoodClient(address(kHandshake), x).Run());
  done = true;
  for (std::thread& thread : busy) thread.join();
  AwaitRow(kLines, Verdict::kOk, 8);
}

TEST_P(Conversations, ManyMessagesInOneStream) {
  Start();
  RawClient client(address(kCommand));
  Greet(client);
  std::string commands;
  std::string answers;
  constexpr int kCount = 2'000;
  for (int i = 0; i < kCount; ++i) {
    commands += "ECHO " + std::to_string(i) + "\r\n\r\n";
    answers += "OK " + std::to_string(i) + "\r\n\r\n";
  }
  ASSERT_TRUE(client.Send(commands));
  client.ShutWrite();
  const RawClient::Rest rest = client.ReceiveAll();
  EXPECT_EQ(rest.bytes, answers);
  EXPECT_EQ(rest.end, StreamEnd::kFin);
  AwaitRow(kCommand, Verdict::kOk, 1);
  EXPECT_EQ(Row(kCommand).messages, kCount);
}

TEST_P(Conversations, TheLongestMessages) {
  Start();
  RawClient client(address(kLines));
  const std::string line = std::string(wire::kMostConversationBytes - 1, 'x') + "\n";
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(line));
    EXPECT_EQ(client.Receive(line.size()), line);
  }
  ASSERT_TRUE(client.Send("x" + line));
  const RawClient::Rest rest = client.ReceiveAll();
  EXPECT_EQ(rest.bytes, "ERROR OVERSIZE line 4 has more than 8192 bytes\n");
  EXPECT_EQ(rest.end, StreamEnd::kFin);
  client.Close();
  AwaitRow(kLines, Verdict::kOversize, 1);
}

TEST_P(Conversations, APeerThatNeverReads) {
  wire::LinesOptions lines;
  lines.write_timeout = 200ms;
  Start(lines, {});
  RawClient client(address(kLines));
  const std::string line = std::string(wire::kMostConversationBytes - 1, 'x') + "\n";
  // Until neither side's buffers take any more, and the server has given it up.
  while (Row(kLines).failed() == 0 && client.Send(line)) {
  }
  AwaitRow(kLines, Verdict::kTimeoutStep2, 1);
}

TEST_P(Conversations, Deadlines) {
  wire::LinesOptions lines;
  lines.message_timeout = 100ms;
  lines.ping_interval = 50ms;
  lines.ping_timeout = 50ms;
  wire::CommandOptions command;
  command.idle_timeout = 100ms;
  Start(lines, command);
  RawClient slow(address(kLines));
  ASSERT_TRUE(slow.Send("never end"));
  EXPECT_THAT(slow.ReceiveAll().bytes, StartsWith("ERROR TIMEOUT_STEP_1 "));
  slow.Close();
  RawClient silent(address(kLines));
  EXPECT_EQ(silent.ReceiveAll().bytes, "PING\nERROR IDLE nothing was heard from you in time\n");
  silent.Close();
  RawClient idle(address(kCommand));
  EXPECT_THAT(idle.ReceiveAll().bytes, HasSubstr("ERROR IDLE "));
  idle.Close();
  AwaitRow(kLines, Verdict::kTimeoutStep1, 1);
  AwaitRow(kLines, Verdict::kIdle, 1);
  AwaitRow(kCommand, Verdict::kIdle, 1);
}

// Idle, in mid-message, and with an answer that waits to be taken: all go through every mode.
TEST_P(Conversations, GoOnThroughEverySwitch) {
  Start();
  RawClient idle(address(kLines));
  ASSERT_TRUE(idle.Send("first\n"));
  EXPECT_EQ(idle.Receive(6), "first\n");
  RawClient partial(address(kCommand));
  Greet(partial);
  const std::string message = "ECHO in the middle of it";
  size_t at = 0;
  for (const server::Mode to : server::kModes) {
    const auto listed = plane().ListModes();
    if (!listed[static_cast<size_t>(to)].available) continue;
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(partial.Send(message.substr(at++, 1)));
      server::SwitchRequest request;
      request.target = to;
      request.drain_timeout = 0ms;
      ASSERT_TRUE(plane().Switch(request).ok());
      ASSERT_TRUE(idle.Send("more\n"));
      EXPECT_EQ(idle.Receive(5), "more\n") << server::ModeName(to);
    }
  }
  ASSERT_TRUE(partial.Send(message.substr(at) + "\r\n\r\n"));
  EXPECT_EQ(partial.Receive(26), "OK in the middle of it\r\n\r\n");
  idle.Close();
  partial.Close();
  AwaitRow(kLines, Verdict::kOk, 1);
  AwaitRow(kCommand, Verdict::kOk, 1);
}

TEST_P(Conversations, AtTheStopTheyAreClosed) {
  Start();
  RawClient idle(address(kLines));
  RawClient partial(address(kCommand));
  Greet(partial);
  ASSERT_TRUE(partial.Send("PING\r\n"));
  ASSERT_TRUE(idle.Send("line\n"));
  EXPECT_EQ(idle.Receive(5), "line\n");
  plane().Stop(50ms);
  EXPECT_EQ(Row(kLines).in_flight + Row(kCommand).in_flight, 0);
  EXPECT_EQ(Row(kLines).ended[static_cast<size_t>(Verdict::kClosedAtShutdown)], 1);
  EXPECT_EQ(Row(kCommand).ended[static_cast<size_t>(Verdict::kClosedAtShutdown)], 1);
}

HANDSHAKE_FOR_ALL_MODES(Conversations);

}  // namespace
}  // namespace handshake::test

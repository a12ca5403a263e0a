// Engine conformance: every split point of the messages, each part read by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/conformance/conformance.h"

namespace handshake::test {
namespace {

using wire::Verdict;

class Splits : public Conformance {
 protected:
  // The server has read all that these tests have sent.
  void AwaitRead() {
    AwaitLedger("all was read",
                [this](const auto& stats) { return stats.bytes_received == bytes_sent_; });
  }
  void Send(RawClient& client, std::string_view bytes) {
    bytes_sent_ += static_cast<int64_t>(bytes.size());
    EXPECT_TRUE(client.Send(bytes));
  }
  // In as many handshakes at once as the mode serves, cuts message 1 or 3 at `splits`.
  void RunAll(const std::vector<size_t>& splits, bool of_message_1);

 private:
  int64_t bytes_sent_ = 0;
};
HANDSHAKE_FOR_ALL_MODES(Splits);

constexpr std::string_view kMessage1 = "HELLO -101\r\n";
constexpr std::string_view kMessage2 = "HELLO -100\r\n";
constexpr std::string_view kMessage3 = "HELLO -99\r\n";

void Splits::RunAll(const std::vector<size_t>& splits, bool of_message_1) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (size_t i = 0; i < splits.size(); ++i) {
    clients.push_back(std::make_unique<RawClient>(address()));
  }
  const auto send_all = [&](std::string_view message, bool split) {
    for (size_t i = 0; i < splits.size(); ++i) {
      Send(*clients[i], split ? message.substr(0, splits[i]) : message);
    }
    if (!split) return;
    AwaitRead();
    for (size_t i = 0; i < splits.size(); ++i) Send(*clients[i], message.substr(splits[i]));
  };
  send_all(kMessage1, of_message_1);
  for (const auto& client : clients) EXPECT_EQ(client->Receive(kMessage2.size()), kMessage2);
  send_all(kMessage3, !of_message_1);
  for (const auto& client : clients) {
    const RawClient::Rest rest = client->ReceiveAll();
    EXPECT_EQ(rest.bytes, "");
    EXPECT_EQ(StreamEndName(rest.end), "FIN");
  }
}

TEST_P(Splits, EverySplitOfMessages1And3) {
  Start(wire::Framing::kLine);
  const auto batch = static_cast<size_t>(std::min<int64_t>(MaxConcurrent(), 64));
  int64_t count = 0;
  for (bool of_message_1 : {true, false}) {
    const size_t length = of_message_1 ? kMessage1.size() : kMessage3.size();
    for (size_t begin = 1; begin < length; begin += batch) {
      std::vector<size_t> splits;
      for (size_t at = begin; at < std::min(begin + batch, length); ++at) splits.push_back(at);
      RunAll(splits, of_message_1);
      count += static_cast<int64_t>(splits.size());
    }
  }
  AwaitEnded(count);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, count}}));
}

// Under auto, and as fast as they go: parts may be read together or not.
TEST_P(Splits, EveryByteByItself) {
  Start({{.framing = wire::Framing::kAuto, .bare_grace = std::chrono::seconds(2)}});
  for (int i = 0; i < 20; ++i) {
    RawClient client(address());
    for (char c : kMessage1) ASSERT_TRUE(client.Send({&c, 1}));
    EXPECT_EQ(client.Receive(kMessage2.size()), kMessage2);
    for (char c : kMessage3) ASSERT_TRUE(client.Send({&c, 1}));
    EXPECT_EQ(StreamEndName(client.ReceiveAll().end), "FIN");
  }
  AwaitEnded(20);
  EXPECT_EQ(Ended(), (Verdicts{{Verdict::kOk, 20}}));
}

// Message 2 may be read byte by byte, and as late as the deadline allows.
TEST_P(Splits, EveryByteOfMessage2ByItself) {
  Start(wire::Framing::kLine);
  RawClient client(address());
  ASSERT_TRUE(client.Send(kMessage1));
  std::string reply;
  while (reply.size() < kMessage2.size()) {
    const std::string byte = client.ReadOnce(1);
    ASSERT_EQ(byte.size(), 1u);
    reply += byte;
  }
  EXPECT_EQ(reply, kMessage2);
  ASSERT_TRUE(client.Send(kMessage3));
  EXPECT_EQ(StreamEndName(client.ReceiveAll().end), "FIN");
}

}  // namespace
}  // namespace handshake::test

#include "control/rpc/host.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "common/net/unique_fd.h"
#include "control/rpc/channel.h"
#include "grpcpp/generic/generic_stub.h"

namespace handshake::control {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

net::Address Parse(const char* text) { return *net::Address::Parse(text); }

// The outcome of a call to `endpoint`, in words.
absl::Status CallAnything(const std::string& endpoint, std::chrono::nanoseconds timeout) {
  grpc::GenericStub stub(*MakeChannel(endpoint));
  grpc::ClientContext context;
  SetTimeout(context, timeout);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/no.such.Service/Method", {}, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return Explain(status, endpoint);
}

TEST(Host, PicksAFreePortAndSaysWhich) {
  const auto host = Host::Start(Parse("127.0.0.1:0"), {});
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_NE((*host)->address().port(), 0);
  const auto channel = MakeChannel((*host)->address().ToString());
  ASSERT_TRUE(channel.ok());
  EXPECT_TRUE((*channel)->WaitForConnected(std::chrono::system_clock::now() + 10s));
}

TEST(Host, RefusesAnAddressThatIsTaken) {
  const auto first = Host::Start(Parse("127.0.0.1:0"), {});
  ASSERT_TRUE(first.ok());
  const auto second = Host::Start((*first)->address(), {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("is taken"));
}

TEST(Host, RefusesWhatIsNotLoopback) {
  for (const char* text : {"0.0.0.0:0", "192.0.2.1:0", "[::]:0"}) {
    const auto host = Host::Start(Parse(text), {});
    EXPECT_EQ(host.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(host.status().message()), HasSubstr("not loopback"));
  }
}

// gRPC's own accept would have stopped for good.
TEST(Host, AnswersAfterAShortageOfDescriptors) {
  const auto host = Host::Start(Parse("127.0.0.1:0"), {});
  ASSERT_TRUE(host.ok()) << host.status();
  const net::Address address = (*host)->address();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const net::UniqueFd waiting(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const rlimit low = {.rlim_cur = 100, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<net::UniqueFd> others;
  do {
    others.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (others.back());
  EXPECT_EQ(connect(waiting.get(), address.data(), address.size()), 0);
  // It has been tried, and in vain, once the log's first chance to say so is over.
  pollfd queue{.fd = waiting.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&queue, 1, 100), 0);
  others.clear();
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(CallAnything(address.ToString(), 10s).code(), absl::StatusCode::kUnimplemented);
}

TEST(Channel, RefusesWhatItCannotReachSafely) {
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:0", "192.0.2.1:7001", "server:7001"}) {
    EXPECT_EQ(MakeChannel(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Channel, ExplainsWhyThereIsNoAnswer) {
  std::string endpoint;
  {
    const auto host = Host::Start(Parse("127.0.0.1:0"), {});
    ASSERT_TRUE(host.ok());
    endpoint = (*host)->address().ToString();
    EXPECT_EQ(CallAnything(endpoint, 10s).code(), absl::StatusCode::kUnimplemented);
  }
  const absl::Status status = CallAnything(endpoint, 10s);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nothing answers at " + endpoint));
}

}  // namespace
}  // namespace handshake::control

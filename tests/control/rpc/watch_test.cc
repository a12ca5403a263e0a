#include "control/rpc/watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "control/rpc/channel.h"
#include "control/rpc/host.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::control {
namespace {

using namespace std::chrono_literals;

// Serves WatchStats with a message of 256 KiB each millisecond, until it is told to end.
class BigWatch final : public v1::ServerService::CallbackService {
 public:
  std::atomic<int> looks = 0;
  std::atomic<int> alive = 0;  // messages that still exist
  std::atomic<bool> ending = false;
  std::atomic<int> watches = 0;

 private:
  grpc::ServerWriteReactor<v1::Stats>* WatchStats(grpc::CallbackServerContext*,
                                                  const v1::WatchStatsRequest*) override {
    ++watches;
    const std::shared_ptr<void> open(nullptr, [this](void*) { --watches; });
    return Watch<v1::Stats>::Begin({.look = [this, open] { return Look(); }, .interval = 1ms});
  }
  Watched<v1::Stats> Look() {
    auto* stats = new v1::Stats;
    stats->set_sequence(++looks);
    stats->add_listeners()->set_address(std::string(256 * 1024, 'x'));
    ++alive;
    Watched<v1::Stats> seen;
    seen.newest = std::shared_ptr<const v1::Stats>(stats, [this](const v1::Stats* done) {
      delete done;
      --alive;
    });
    if (ending) seen.end = absl::OkStatus();
    return seen;
  }
};

struct Client {
  explicit Client(const Host& host)
      : stub(v1::ServerService::NewStub(*MakeChannel(host.address().ToString()))) {
    SetTimeout(context, 30s);
    stream = stub->WatchStats(&context, {});
  }
  std::unique_ptr<v1::ServerService::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::Stats>> stream;
};

template <class Condition>
bool Eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class WatchTest : public ::testing::Test {
 protected:
  BigWatch service_;
  std::unique_ptr<Host> host_ = *Host::Start(*net::Address::Parse("127.0.0.1:0"),
                                             {{v1::ServerService::service_full_name(), &service_}});
};

TEST_F(WatchTest, OneWhoDoesNotReadCostsOneMessageAndStopsNobody) {
  Client silent(*host_);
  ASSERT_TRUE(Eventually([this] { return service_.looks > 50; }));
  EXPECT_LE(service_.alive, 3);
  Client reader(*host_);
  int64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    v1::Stats stats;
    ASSERT_TRUE(reader.stream->Read(&stats));
    EXPECT_GT(stats.sequence(), last);
    last = stats.sequence();
  }
  EXPECT_LE(service_.alive, 6);
  // Who reads again gets what was in flight, and then the present.
  v1::Stats stats;
  ASSERT_TRUE(silent.stream->Read(&stats));
  EXPECT_LT(stats.sequence(), 50);
  while (stats.sequence() <= last) ASSERT_TRUE(silent.stream->Read(&stats));
  silent.context.TryCancel();
  reader.context.TryCancel();
  EXPECT_EQ(silent.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(reader.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([this] { return service_.watches == 0 && service_.alive == 0; }));
}

TEST_F(WatchTest, EndsWithTheLastState) {
  Client reader(*host_);
  v1::Stats stats;
  ASSERT_TRUE(reader.stream->Read(&stats));
  service_.ending = true;
  while (reader.stream->Read(&stats)) {
  }
  EXPECT_TRUE(reader.stream->Finish().ok());
  EXPECT_GE(stats.sequence(), 2);
  EXPECT_TRUE(Eventually([this] { return service_.watches == 0; }));
}

TEST_F(WatchTest, CancelledAtAnyMomentLeavesNothingBehind) {
  for (int i = 0; i < 50; ++i) {
    Client client(*host_);
    v1::Stats stats;
    for (int reads = i % 3; reads > 0; --reads) ASSERT_TRUE(client.stream->Read(&stats));
    client.context.TryCancel();
    client.stream->Finish();
  }
  EXPECT_TRUE(Eventually([this] { return service_.watches == 0 && service_.alive == 0; }));
}

TEST_F(WatchTest, ShutdownEndsTheStreamsWithoutTheirHelp) {
  Client silent(*host_);
  ASSERT_TRUE(Eventually([this] { return service_.looks > 5; }));
  const auto begin = std::chrono::steady_clock::now();
  host_->Shutdown(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_EQ(service_.watches, 0);
}

}  // namespace
}  // namespace handshake::control

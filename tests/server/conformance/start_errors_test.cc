// Engine conformance: a data plane that cannot start says why and leaves no trace.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <vector>

#include "common/net/unique_fd.h"
#include "tests/server/conformance/conformance.h"

namespace handshake::test {
namespace {

using namespace std::chrono_literals;

class StartErrors : public Conformance {
 protected:
  static server::DataPlaneOptions GoodOptions() {
    return {.listeners = {{.address = *net::Address::Parse("127.0.0.1:0"),
                           .protocol = wire::HandshakeOptions()}},
            .mode = mode(),
            .engine = {}};
  }
};
HANDSHAKE_FOR_ALL_MODES(StartErrors);

TEST_P(StartErrors, ATakenAddressIsNamed) {
  const net::UniqueFd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const net::Address any = *net::Address::Parse("127.0.0.1:0");
  ASSERT_EQ(bind(taken.get(), any.data(), any.size()), 0);
  ASSERT_EQ(listen(taken.get(), 1), 0);
  const net::Address address = net::Address::OfSocket(taken.get());

  server::DataPlaneOptions options = GoodOptions();
  options.listeners.push_back({.address = address, .protocol = wire::HandshakeOptions()});
  const auto plane = server::DataPlane::Start(options);
  ASSERT_EQ(plane.status().code(), absl::StatusCode::kAlreadyExists) << plane.status();
  EXPECT_NE(plane.status().ToString().find(address.ToString()), std::string::npos);
}

TEST_P(StartErrors, AnAddressOfThisProcessIsTakenToo) {
  Start(GoodOptions());
  server::DataPlaneOptions options = GoodOptions();
  options.listeners[0].address = address();
  EXPECT_EQ(server::DataPlane::Start(options).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(GoodClient(address()).Run());  // the first one is unharmed
}

TEST_P(StartErrors, BadOptionsAreInvalidArguments) {
  using Options = server::DataPlaneOptions;
  const std::vector<std::function<void(Options&)>> mistakes = {
      [](Options& o) { o.listeners.clear(); },
      [](Options& o) {
        std::get<wire::HandshakeOptions>(o.listeners[0].protocol).step_timeout = 0s;
      },
      [](Options& o) {
        std::get<wire::HandshakeOptions>(o.listeners[0].protocol).step_timeout = -1s;
      },
      [](Options& o) {
        std::get<wire::HandshakeOptions>(o.listeners[0].protocol).step_timeout = 61min;
      },
      [](Options& o) {
        std::get<wire::HandshakeOptions>(o.listeners[0].protocol).handshake_timeout = 0s;
      },
      [](Options& o) {
        std::get<wire::HandshakeOptions>(o.listeners[0].protocol).handshake_timeout = 61min;
      },
      [](Options& o) { std::get<wire::HandshakeOptions>(o.listeners[0].protocol).bare_grace = 0s; },
      [](Options& o) {
        std::get<wire::HandshakeOptions>(o.listeners[0].protocol).bare_grace = 61min;
      },
      [](Options& o) { o.engine.max_threads = 0; },
      [](Options& o) { o.engine.max_threads = -1; },
      [](Options& o) { o.engine.pool_threads = -1; },
      [](Options& o) { o.engine.workers = -1; },
  };
  for (size_t i = 0; i < mistakes.size(); ++i) {
    Options options = GoodOptions();
    mistakes[i](options);
    const auto plane = server::DataPlane::Start(options);
    EXPECT_EQ(plane.status().code(), absl::StatusCode::kInvalidArgument)
        << "mistake " << i << ": " << plane.status();
  }
}

TEST_P(StartErrors, TheAddressIsFreeAgainAfterwards) {
  Start(GoodOptions());
  server::DataPlaneOptions options = GoodOptions();
  options.listeners[0].address = address();
  ASSERT_TRUE(GoodClient(address()).Run());
  plane().Stop(0s);
  const auto second = server::DataPlane::Start(options);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(GoodClient((*second)->addresses()[0]).Run());
}

}  // namespace
}  // namespace handshake::test

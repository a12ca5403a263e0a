// Targets that load must never be sent to: refused, and no SYN leaves this machine's network.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/services/load_runs.h"
#include "tests/control/services/controlled_server.h"
#include "tests/support/fake_names.h"
#include "tests/support/own_network.h"
#include "tests/support/test_server.h"

namespace handshake::control {
namespace {

// Connections begun in this thread's network so far.
int64_t ActiveOpens() { return test::OwnTcpCounter("ActiveOpens"); }

// PORT is the port of a server that would answer on loopback, so that a refusal that is missing
// shows as a connection.
const std::vector<std::string> kForbidden = {
    // Not this machine, and not allowed.
    "10.0.0.1:PORT",
    "172.16.0.1:PORT",
    "192.168.0.1:PORT",
    "192.0.2.1:PORT",
    "198.51.100.1:PORT",
    "203.0.113.1:PORT",
    "8.8.8.8:53",
    "126.255.255.255:PORT",
    "128.0.0.0:PORT",
    "[2001:db8::1]:PORT",
    "[fd00::1]:PORT",
    "[2606:4700::1111]:PORT",
    // This host in disguise, link-local, multicast, broadcast, reserved.
    "0.0.0.0:PORT",
    "0.0.0.1:PORT",
    "0.255.255.255:PORT",
    "169.254.0.1:PORT",
    "169.254.169.254:80",
    "224.0.0.1:PORT",
    "239.255.255.250:PORT",
    "240.0.0.1:PORT",
    "255.255.255.255:PORT",
    "[::]:PORT",
    "[::0.0.0.0]:PORT",
    "[fe80::1]:PORT",
    "[febf::1]:PORT",
    "[fec0::1]:PORT",
    "[ff02::1]:PORT",
    "[ff05::1]:PORT",
    "[100::1]:PORT",
    // IPv6 addresses that stand for IPv4 ones.
    "[::ffff:127.0.0.1]:PORT",
    "[::ffff:7f00:1]:PORT",
    "[0:0:0:0:0:ffff:127.0.0.1]:PORT",
    "[::FFFF:127.0.0.1]:PORT",
    "[::ffff:10.0.0.1]:PORT",
    "[::ffff:0.0.0.0]:PORT",
    "[::ffff:169.254.169.254]:PORT",
    "[::127.0.0.1]:PORT",
    "[::7f00:1]:PORT",
    "[::ffff:0:127.0.0.1]:PORT",
    "[64:ff9b::127.0.0.1]:PORT",
    "[64:ff9b::7f00:1]:PORT",
    "[64:ff9b:1::1]:PORT",
    "[2002:7f00:1::1]:PORT",
    "[2001:0:7f00:1::1]:PORT",
    // Ways to write IPv4 that resolvers understand.
    "0177.0.0.1:PORT",
    "0x7f.0.0.1:PORT",
    "127.1:PORT",
    "127.0.1:PORT",
    "2130706433:PORT",
    "0x7f000001:PORT",
    "017700000001:PORT",
    "127.0.0.01:PORT",
    "127.0.0.0x1:PORT",
    "0:PORT",
    "0x0:PORT",
    "10.1:PORT",
    "127.0.0.1.:PORT",
    "127.0.0.256:PORT",
    "127.0.0.1/8:PORT",
    "[127.0.0.1]:PORT",
    // Scopes, and what is no address at all.
    "[fe80::1%lo]:PORT",
    "[::1%lo]:PORT",
    "[::1%1]:PORT",
    "::1:PORT",
    "[::1:PORT",
    "::1]:PORT",
    "[]:PORT",
    ":PORT",
    "PORT",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "[::1]:0",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:PORT ",
    " 127.0.0.1:PORT",
    "127.0.0.1 :PORT",
    "127.0.0.1:0xPORT",
    "user@127.0.0.1:PORT",
    "http://127.0.0.1:PORT",
    "*:PORT",
    "%:PORT",
    "",
};

TEST(LoadTargetsTest, ForbiddenOnesAreRefusedAndSeeNoSyn) {
  ASSERT_GE(kForbidden.size(), 60);
  const bool permitted = test::InOwnNetwork([] {
    test::TestServer server(test::Serve());
    LoadRuns runs;
    v1::CreateLoadRunRequest request;
    request.mutable_spec()->set_handshake_count(1);
    request.set_detached(true);
    const int64_t before = ActiveOpens();
    for (std::string target : kForbidden) {
      if (const size_t at = target.find("PORT"); at != std::string::npos) {
        target.replace(at, 4, std::to_string(server.address().port()));
      }
      request.mutable_spec()->set_target(target);
      const auto run = runs.Create("tester", request);
      EXPECT_TRUE(run.status().code() == absl::StatusCode::kPermissionDenied ||
                  run.status().code() == absl::StatusCode::kInvalidArgument)
          << target << ": " << run.status();
    }
    // A name is no better than its address.
    test::FakeNames names;
    for (const std::string address : {"192.0.2.1", "10.0.0.1", "169.254.169.254", "0.0.0.0",
                                      "224.0.0.1", "::ffff:127.0.0.1", "2002:7f00:1::1"}) {
      names.Answer("evil.test", address);
      request.mutable_spec()->set_target("evil.test:" + std::to_string(server.address().port()));
      EXPECT_EQ(runs.Create("tester", request).status().code(), absl::StatusCode::kPermissionDenied)
          << address;
    }
    EXPECT_EQ(ActiveOpens(), before);
    EXPECT_EQ(server.accepted(), 0);
    EXPECT_TRUE(runs.List(1).empty());

    // The counter counts: a target that is allowed is connected to.
    request.mutable_spec()->set_target(server.address().ToString());
    ASSERT_TRUE(runs.Create("tester", request).ok());
    ASSERT_TRUE(
        Eventually([&] { return runs.List(1).front()->state() != v1::LoadRun::STATE_RUNNING; }));
    EXPECT_EQ(ActiveOpens(), before + 2) << "the proof, and the run";
    EXPECT_EQ(runs.List(1).front()->target_address(), server.address().ToString());
  });
  if (!permitted) GTEST_SKIP() << "needs the right to make a network namespace";
}

TEST(LoadTargetsTest, WhatIsAllowedIsTriedAtMostTenTimesBeforeItAnswered) {
  const bool permitted = test::InOwnNetwork([] {
    client::TargetList targets;
    ASSERT_TRUE(targets.Allow("192.0.2.0/24:7000").ok());
    LoadRuns runs(targets);
    v1::CreateLoadRunRequest request;
    request.mutable_spec()->set_handshake_count(1'000);
    request.mutable_spec()->set_concurrency(100);
    request.mutable_spec()->set_target("192.0.2.1:7000");  // there is no route to it here
    request.set_detached(true);
    ASSERT_TRUE(runs.Create("tester", request).ok());
    ASSERT_TRUE(
        Eventually([&] { return runs.List(1).front()->state() != v1::LoadRun::STATE_RUNNING; }));
    const LoadRuns::State run = runs.List(1).front();
    EXPECT_TRUE(run->given_up());
    EXPECT_EQ(run->started_count(), 10);
    ASSERT_EQ(run->failures_size(), 1);
    EXPECT_EQ(run->failures(0).verdict(), v1::VERDICT_UNREACHABLE);
  });
  if (!permitted) GTEST_SKIP() << "needs the right to make a network namespace";
}

}  // namespace
}  // namespace handshake::control

#include "control/auth/authorize.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>

#include "control/auth/guarded_load_service.h"
#include "control/auth/guarded_server_service.h"

namespace handshake::control {
namespace {

TEST(Authorize, TheTableHasEveryMethodOfTheContract) {
  std::set<std::string> in_contract;
  for (const auto* file : {v1::Server::descriptor()->file(), v1::LoadRun::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        in_contract.insert(service->full_name() + "/" + service->method(m)->name());
      }
    }
  }
  std::set<std::string> in_table;
  for (const RpcRow& row : kRpcTable) in_table.insert(std::string(row.method));
  EXPECT_EQ(in_table, in_contract);
}

TEST(Authorize, WhoeverIsOnThisMachineMayDoEverything) {
  for (const RpcRow& row : kRpcTable) {
    for (const char* peer : {"ipv4:127.0.0.1:40000", "ipv4:127.9.9.9:1", "ipv6:%5B::1%5D:40000",
                             "ipv6:[::1]:40000", "unix:", "unix:/run/handshake.sock"}) {
      const auto caller = Authorize(peer, row.rpc);
      ASSERT_TRUE(caller.ok()) << row.method << " " << peer;
      EXPECT_EQ(caller->principal, "local");
    }
  }
  EXPECT_EQ(Authorize("ipv6:%5B::1%5D:40000", Rpc::kGetStats)->address, "[::1]:40000");
}

TEST(Authorize, NobodyElseMayDoAnything) {
  for (const RpcRow& row : kRpcTable) {
    for (const char* peer : {"ipv4:192.0.2.1:40000", "ipv6:%5B2001:db8::1%5D:40000",
                             "ipv6:%5B::ffff:127.0.0.1%5D:1", "", "inproc", "127.0.0.1:1"}) {
      const auto caller = Authorize(peer, row.rpc);
      EXPECT_EQ(caller.status().code(), absl::StatusCode::kPermissionDenied)
          << row.method << " '" << peer << "'";
    }
  }
}

// Nobody but the guard makes the proof that a handler asks for.
static_assert(!std::is_constructible_v<Authorized<Rpc::kSwitchMode>, Caller>);
static_assert(!std::is_default_constructible_v<Authorized<Rpc::kSwitchMode>>);

}  // namespace
}  // namespace handshake::control

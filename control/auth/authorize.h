// Who may call what: one table, one row an RPC, and the one decision.
#ifndef HANDSHAKE_CONTROL_AUTH_AUTHORIZE_H_
#define HANDSHAKE_CONTROL_AUTH_AUTHORIZE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace handshake::control {

// Every RPC of package handshake.v1. Adding one: a value here, a row below, a guarded handler.
enum class Rpc : uint8_t {
  kGetServer,
  kListModes,
  kSwitchMode,
  kGetModeSwitch,
  kListModeSwitches,
  kListListeners,
  kGetStats,
  kWatchStats,
  kRecordTimelines,
  kCollectTimelines,
  kCreateLoadRun,
  kGetLoadRun,
  kListLoadRuns,
  kWatchLoadRun,
  kCancelLoadRun,
  kUpdateLoadRun,
};

// What a caller needs to be allowed to do.
enum class Permission : uint8_t {
  kObserve,     // read state, record timelines
  kSwitchMode,  // change the server's mode
  kRunLoad,     // start, change and end load
};

struct RpcRow {
  Rpc rpc;
  std::string_view method;  // as in a call's path, without the leading slash
  Permission permission;
};

inline constexpr std::array<RpcRow, 16> kRpcTable = {{
    {Rpc::kGetServer, "handshake.v1.ServerService/GetServer", Permission::kObserve},
    {Rpc::kListModes, "handshake.v1.ServerService/ListModes", Permission::kObserve},
    {Rpc::kSwitchMode, "handshake.v1.ServerService/SwitchMode", Permission::kSwitchMode},
    {Rpc::kGetModeSwitch, "handshake.v1.ServerService/GetModeSwitch", Permission::kObserve},
    {Rpc::kListModeSwitches, "handshake.v1.ServerService/ListModeSwitches", Permission::kObserve},
    {Rpc::kListListeners, "handshake.v1.ServerService/ListListeners", Permission::kObserve},
    {Rpc::kGetStats, "handshake.v1.ServerService/GetStats", Permission::kObserve},
    {Rpc::kWatchStats, "handshake.v1.ServerService/WatchStats", Permission::kObserve},
    {Rpc::kRecordTimelines, "handshake.v1.ServerService/RecordTimelines", Permission::kObserve},
    {Rpc::kCollectTimelines, "handshake.v1.ServerService/CollectTimelines", Permission::kObserve},
    {Rpc::kCreateLoadRun, "handshake.v1.LoadService/CreateLoadRun", Permission::kRunLoad},
    {Rpc::kGetLoadRun, "handshake.v1.LoadService/GetLoadRun", Permission::kObserve},
    {Rpc::kListLoadRuns, "handshake.v1.LoadService/ListLoadRuns", Permission::kObserve},
    {Rpc::kWatchLoadRun, "handshake.v1.LoadService/WatchLoadRun", Permission::kObserve},
    {Rpc::kCancelLoadRun, "handshake.v1.LoadService/CancelLoadRun", Permission::kRunLoad},
    {Rpc::kUpdateLoadRun, "handshake.v1.LoadService/UpdateLoadRun", Permission::kRunLoad},
}};

constexpr const RpcRow& RowOf(Rpc rpc) { return kRpcTable[static_cast<size_t>(rpc)]; }

// Somebody who was allowed to call.
struct Caller {
  // Who it is: all callers from this machine are one, "local".
  std::string principal;
  // Where the call came from: "127.0.0.1:40000".
  std::string address;
};

// Decides a call of `rpc` by `peer` (what grpc::ServerContextBase::peer() gives). At present
// whoever can connect from this machine is a local operator with every permission; anybody else is
// PERMISSION_DENIED.
absl::StatusOr<Caller> Authorize(std::string_view peer, Rpc rpc);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_AUTH_AUTHORIZE_H_

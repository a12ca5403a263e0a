#include "control/auth/authorize.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "control/rpc/peer.h"

namespace handshake::control {
namespace {

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < kRpcTable.size(); ++i) {
    if (static_cast<size_t>(kRpcTable[i].rpc) != i) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

}  // namespace

absl::StatusOr<Caller> Authorize(std::string_view peer, Rpc rpc) {
  Peer caller = ParsePeer(peer);
  if (!caller.is_local) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "%s may be called from this machine only, not from %s", RowOf(rpc).method, caller.address));
  }
  return Caller{.principal = "local", .address = std::move(caller.address)};
}

}  // namespace handshake::control

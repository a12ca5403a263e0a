// One process of a held load: a reactor, and its share of the connections.
#ifndef HANDSHAKE_CLIENT_HOLD_WORKER_H_
#define HANDSHAKE_CLIENT_HOLD_WORKER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "client/hold_board.h"
#include "client/hold_run.h"
#include "client/source_addresses.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "common/net/unique_fd.h"
#include "common/wire/client_handshake.h"

namespace handshake::client {

// What the workers of one held load have in common. Constant, but for the board.
struct HoldPlan {
  const HoldSpec spec;
  const SourceAddresses sources;
  const uint32_t at_once;  // connections of a worker that are being opened, or finished, at once
  HoldBoard& board;
};

// One thread, one Run(). Everything is allocated by the constructor and while the connections are
// armed for the first time; nothing is allocated a connection.
class HoldWorker {
 public:
  // Its connections are those from `first`, `share` of them. Borrows all, which must outlive it.
  HoldWorker(const HoldPlan& plan, HoldTally& tally, int64_t first, int64_t share);

  // RESOURCE_EXHAUSTED: no descriptor for the reactor. Call once, before anything else.
  absl::Status Open();
  // Until each connection of the share has ended, or will not be opened any more.
  void Run();

 private:
  enum class Phase : uint8_t { kConnecting, kOpening, kHeld, kFinishing, kEnded };

  // Its place in the table is its item in the timer wheel and its tag in the reactor.
  struct Connection {
    std::optional<wire::ClientHandshake> handshake;  // from kOpening to kFinishing
    net::UniqueFd fd;
    Phase phase = Phase::kConnecting;
    uint8_t watched = 0;  // what the reactor watches the fd for; 0: it does not
  };
  static_assert(sizeof(Connection) <= 128);

  bool Over() const { return ended_ == (finishing_ ? fresh_ : connections_.size()); }
  // Opens, or finishes, up to as many as may be under way at once.
  void BeginMore();
  bool MoreToBegin() const;
  void Begin(uint32_t id);
  void ContinueConnect(uint32_t id);
  // Follows the session until it must wait, or is in the middle; reads at most once, and only if
  // may_read.
  void Converse(uint32_t id, bool may_read);
  // In the middle of the handshake.
  void Opened(uint32_t id);
  void Finish(uint32_t id);
  void OnEvent(const net::Reactor::Event& event);
  void OnDue(uint32_t id);
  // Waits for readiness `what`.
  void Await(uint32_t id, uint32_t what);
  void End(uint32_t id, wire::Verdict verdict);
  // It was to be opened and has ended so.
  void NotOpened(wire::Verdict verdict);

  const HoldPlan& plan_;
  HoldTally& tally_;
  const int64_t first_;
  net::Reactor reactor_;
  net::TimerWheel wheel_;
  std::vector<Connection> connections_;
  uint32_t fresh_ = 0;      // connections from here on have not begun
  uint32_t to_finish_ = 0;  // from here on, none was asked to finish
  uint32_t under_way_ = 0;  // being opened or finished
  uint32_t ended_ = 0;
  uint32_t out_of_time_ = 0;  // in a row, while they were being opened
  bool finishing_ = false;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_HOLD_WORKER_H_

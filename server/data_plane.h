// The data plane as its operator sees it: listeners, the active engine, the switch, statistics.
// This is all that control may know of server/.
//
//   control threads -- Switch() --> [switcher] -- starts, stops --> engine threads <-- take --+
//                   -- Stats() ---> [ledger] <------- count ------- engine threads           |
//                                                                         | what a drain      |
//   rates thread ---- looks at ---> [ledger]                              v leaves            |
//                                                   [lobby thread] -- offers --> [door] ------+
#ifndef HANDSHAKE_SERVER_DATA_PLANE_H_
#define HANDSHAKE_SERVER_DATA_PLANE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/net/address.h"
#include "server/door/listener.h"
#include "server/door/mode.h"
#include "server/door/timelines.h"
#include "server/engines/engine.h"
#include "server/mode_switch.h"
#include "server/snapshot.h"

namespace handshake::server {

struct DataPlaneOptions {
  std::vector<ListenerOptions> listeners;  // at least one
  Mode mode = Mode::kEpoll;
  EngineOptions engine;
};

struct ModeInfo {
  Mode mode;
  std::string description;  // how it works, one line
  bool available = true;
  std::string unavailable_reason;  // with what to do about it; empty if available
  int64_t max_concurrent = 0;      // handshakes in progress at once with the present options
};

// Thread-safe. Control work never runs on an engine thread and never makes one wait.
class DataPlane {
 public:
  // Binds, prepares and starts. ALREADY_EXISTS: an address is taken; RESOURCE_EXHAUSTED: the fd
  // limit is too low; INVALID_ARGUMENT. Each message says what to do.
  static absl::StatusOr<std::unique_ptr<DataPlane>> Start(const DataPlaneOptions& options);
  ~DataPlane();  // as Stop(0)

  // The addresses in force, in the order of the options.
  std::vector<net::Address> addresses() const;
  ActiveMode active() const;
  Mode mode() const { return active().mode; }
  int64_t generation() const { return active().generation; }
  const DataPlaneOptions& options() const;
  std::vector<ModeInfo> ListModes() const;

  // Blocks until the old engine takes no more, usually for less than 10 ms. Errors:
  //   ABORTED              another generation is in force, or another switch is being made
  //   FAILED_PRECONDITION  the target cannot run here; the old mode was not touched
  //   INVALID_ARGUMENT     drain_timeout out of range, or a request_id used with another target
  //   UNAVAILABLE          the data plane is stopping
  absl::StatusOr<SwitchRecord> Switch(const SwitchRequest& request);
  // The last kMaxSwitchRecords switches; NOT_FOUND.
  absl::StatusOr<SwitchRecord> GetSwitch(int64_t id) const;
  std::vector<SwitchRecord> ListSwitches() const;  // newest first

  // The newest snapshot, at most kSnapshotTick old. Never null. All callers of one tick share it.
  std::shared_ptr<const Snapshot> Stats();

  // Records when the steps of sampled connections happen; see Timelines.
  absl::StatusOr<int64_t> RecordTimelines(const TimelineOptions& options);
  absl::Status ExtendTimelines(int64_t recording, wire::Duration length);
  absl::StatusOr<Timelines::Collected> CollectTimelines(int64_t recording);

  // Stops taking, drains for at most `drain_timeout`, closes what is left (CLOSED_AT_SHUTDOWN) and
  // then the listeners. Idempotent. Stats() goes on answering with the final counts.
  void Stop(wire::Duration drain_timeout);

 private:
  struct Impl;
  explicit DataPlane(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::chrono::milliseconds kSnapshotTick{100};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DATA_PLANE_H_

// The live switch of the concurrency mode: one procedure, at most one at a time.
//
//   check -> prepare the candidate -> start it on the same door -> the old engine stops taking
//         -> publish: the caller gets its answer here
//         -> in the background: the old engine drains, the rest goes to the lobby, it is destroyed
#ifndef HANDSHAKE_SERVER_MODE_SWITCH_H_
#define HANDSHAKE_SERVER_MODE_SWITCH_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/wire/session.h"
#include "server/door/mode.h"
#include "server/engines/engine.h"

namespace handshake::server {

inline constexpr std::chrono::milliseconds kDefaultDrainTimeout{1'000};
inline constexpr std::chrono::milliseconds kMaxDrainTimeout{60'000};

struct SwitchRequest {
  Mode target = Mode::kEpoll;
  // Of an event mode: how many, from 1 to the CPUs given. 0: as many as are in force if that is the
  // target already, else EngineOptions::workers.
  int64_t workers = 0;
  // Refuse (ABORTED) unless this is the generation in force; nothing: whatever it is.
  std::optional<int64_t> expected_generation;
  // How long the old engine serves on what it has: 0 to kMaxDrainTimeout.
  wire::Duration drain_timeout = kDefaultDrainTimeout;
  // A repeated request with the same non-empty id gets the first one's record and changes nothing.
  std::string request_id;
  // Checks and prepares everything, then changes nothing.
  bool dry_run = false;
  // Who asks, for the record and the log.
  std::string requested_by;
};

struct SwitchRecord {
  enum class State : uint8_t { kDraining, kCompleted, kDryRun, kUnchanged };
  int64_t id = 0;  // 1, 2, ...; 0 for a dry run or a switch to the active mode
  State state = State::kDraining;
  Mode from = Mode::kSequential;
  Mode to = Mode::kSequential;
  int64_t workers = 0;     // of `to`; 0 if it has none
  int64_t generation = 0;  // in force since this switch
  std::string request_id;
  std::string requested_by;
  std::chrono::system_clock::time_point requested_at;
  std::chrono::nanoseconds prepare_time{};  // validated request to the candidate prepared
  std::chrono::nanoseconds
      switch_time{};                      // validated request to the old acceptors' acknowledgement
  std::chrono::nanoseconds drain_time{};  // acknowledgement to the old engine empty
  // Of the connections in flight in the old engine when it stopped taking. Once kCompleted:
  // in_flight = finished + failed + handed_over + lost.
  int64_t in_flight = 0;
  int64_t finished = 0;     // completed by the old engine
  int64_t failed = 0;       // ended by the old engine otherwise (timeouts, peers that went away)
  int64_t handed_over = 0;  // passed to the lobby
  int64_t lost = 0;         // dropped by a fault of ours: always 0
};

// What is in force, read at one instant.
struct ActiveMode {
  Mode mode;
  int64_t generation;
  int64_t workers;  // 0 if the mode has none
};

inline constexpr int kMaxSwitchRecords = 1'000;
inline constexpr size_t kMaxRequestIdBytes = 128;

// Owns the active engine and those that still drain. Thread-safe.
class ModeSwitcher {
 public:
  explicit ModeSwitcher(const EngineContext& context);
  ~ModeSwitcher();  // Stop(now) must have been called if Begin() succeeded

  // The first engine: generation 1.
  absl::Status Begin(Mode mode);

  // See DataPlane for the errors.
  absl::StatusOr<SwitchRecord> Switch(const SwitchRequest& request);
  absl::StatusOr<SwitchRecord> Get(int64_t id) const;
  std::vector<SwitchRecord> List() const;  // newest first

  ActiveMode active() const;
  int64_t draining_count() const;

  // In this order: no more switches and nothing is taken; what is in flight drains until `deadline`
  // and then goes to the lobby; all engines are gone.
  void StopTaking();
  void Drain(wire::TimePoint deadline);

 private:
  class Generation;

  bool stopping() const;
  absl::Status Check(const SwitchRequest& request) const;
  absl::Status CheckWorkers(const SwitchRequest& request) const;
  bool IsInForce(const SwitchRequest& request) const;
  std::optional<SwitchRecord> FindRequest(const std::string& request_id) const;
  // What changes nothing still answers with a record.
  SwitchRecord Unmade(const SwitchRequest& request, SwitchRecord::State state) const;
  SwitchRecord Publish(std::unique_ptr<Generation> candidate, SwitchRecord record);
  void Complete(int64_t id, const Engine::Counts& at_stop, const Engine::Counts& at_end,
                wire::Duration drain_time);
  // The generations that are not gone, oldest first.
  std::vector<Generation*> Retired();
  // Waits if far too many are still winding down.
  void LimitRetired();
  // At most two generations drain: with the one that is about to, an older one hands over at once.
  void HurryOldest();

  const EngineContext context_;
  std::mutex slot_;  // held by the one switch that is being made

  mutable std::mutex mutex_;  // guards all below; never held while an engine is called
  std::unique_ptr<Generation> active_;
  std::list<std::unique_ptr<Generation>> retired_;  // oldest first
  std::deque<SwitchRecord> records_;                // oldest first
  int64_t last_id_ = 0;
  bool stopping_ = false;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_MODE_SWITCH_H_

// The live switch of the concurrency mode: one procedure, at most one at a time.
//
//   check -> prepare the candidate -> start it on the same door -> the old engine stops taking
//         -> publish: the caller gets its answer here
//         -> in the background: the old engine drains, the rest goes to the lobby, it is destroyed
#ifndef HANDSHAKE_SERVER_MODE_SWITCH_H_
#define HANDSHAKE_SERVER_MODE_SWITCH_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/wire/session.h"
#include "server/door/mode.h"

namespace handshake::server {

inline constexpr std::chrono::milliseconds kDefaultDrainTimeout{1'000};
inline constexpr std::chrono::milliseconds kMaxDrainTimeout{60'000};

struct SwitchRequest {
  Mode target = Mode::kEpoll;
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

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_MODE_SWITCH_H_

// When each step of a few sampled connections happened. Off, it costs a look at a flag a step.
#ifndef HANDSHAKE_SERVER_DOOR_TIMELINES_H_
#define HANDSHAKE_SERVER_DOOR_TIMELINES_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/wire/session.h"
#include "common/wire/verdict.h"
#include "server/door/connection.h"
#include "server/door/mode.h"

namespace handshake::server {

// One sampled connection that has ended. In this order, on the process's monotonic clock.
struct Timeline {
  int64_t sequence = 0;  // X of its handshake
  Mode mode = Mode::kSequential;
  wire::Verdict verdict = wire::Verdict::kNone;
  wire::TimePoint accepted;  // io-uring: the kernel's accept was seen
  // The thread that serves it first looked at it: behind a thread's start, if it has its own.
  // Nothing: that was before the recording began.
  std::optional<wire::TimePoint> picked_up;
  wire::TimePoint first_byte;  // the look that found it began
  wire::TimePoint replied;     // message 2 is given to the kernel now
  wire::TimePoint ended;       // counted; it is closed now
};

struct TimelineOptions {
  int64_t stride = 1;     // of the connections whose X is a multiple of it
  int64_t most = 1'000;   // samples, to kMostTimelines
  wire::Duration length;  // the recording ends by itself, to kLongestRecording; see Extend()
};

inline constexpr int64_t kMostTimelines = 10'000;
// Who goes on to ask for it extends it; one whose creator is gone holds up the next no longer.
inline constexpr std::chrono::minutes kLongestRecording{1};

// One recording at a time. The first one allocates room for all, 1 MiB, for good.
//
// Record(), Extend() and Collect() by any thread. The others by whoever owns the connection: they
// neither lock nor allocate.
class Timelines {
 public:
  ~Timelines();

  // Samples from now on; returns the recording's number, 1, 2, ... What an earlier one has is
  // forgotten. INVALID_ARGUMENT; ABORTED: one is going on.
  absl::StatusOr<int64_t> Record(const TimelineOptions& options, wire::TimePoint now);
  // The recording ends `length` from now; one that has ended stays so. INVALID_ARGUMENT; NOT_FOUND
  // as below.
  absl::Status Extend(int64_t recording, wire::Duration length, wire::TimePoint now);
  struct Collected {
    std::vector<Timeline> ended;
    int64_t open = 0;  // sampled, and their connections have not ended
  };
  // Ends the recording. NOT_FOUND: it was never made, or another came after it.
  absl::StatusOr<Collected> Collect(int64_t recording);

  // Its thread looks at it.
  void NoteServed(Connection& connection, wire::TimePoint now) {
    if (const int64_t recording = armed_.load(std::memory_order_acquire)) [[unlikely]]
      Served(connection, now, recording);
  }
  // Output of its session is about to be sent: if that is message 2, it may be sampled.
  void NoteReply(Connection& connection) {
    if (const int64_t recording = armed_.load(std::memory_order_acquire)) [[unlikely]]
      Reply(connection, recording);
  }
  // Its session has ended, and it is about to be closed.
  void NoteEnded(const Connection& connection) {
    if (connection.sample != Connection::kNoSample) [[unlikely]]
      Ended(connection);
  }

 private:
  // More than the samples of one recording: those that are still open keep theirs.
  static constexpr uint32_t kPlaces = 16'384;
  static_assert(kPlaces >= kMostTimelines && kPlaces < Connection::kNoSample);

  enum class State : uint8_t {
    kFree,
    kOpen,    // of the owner of a connection, which alone writes it
    kEnded,   // of the recording
    kForgot,  // open, of an earlier recording
  };
  struct Place {
    std::atomic<State> state{State::kFree};
    Timeline timeline;
  };
  using Places = std::array<Place, kPlaces>;

  // NOT_FOUND as above. With mutex_ held.
  absl::Status CheckNewest(int64_t recording) const;
  void Served(Connection& connection, wire::TimePoint now, int64_t recording);
  void Reply(Connection& connection, int64_t recording);
  void Ended(const Connection& connection);
  // A free place; kNoSample: the recording has all it wanted.
  uint16_t TakePlace(int64_t recording);
  // Ends this recording and no other: whoever finds that it is over may be late.
  void Disarm(int64_t recording) { armed_.compare_exchange_strong(recording, 0); }

  std::atomic<int64_t> armed_{0};  // the recording that goes on; set behind what is below
  std::atomic<int64_t> stride_{1};
  std::atomic<int64_t> left_{0};         // samples that it still wants
  std::atomic<wire::Duration> until_{};  // since the clock's epoch
  std::atomic<uint32_t> next_{0};        // where to look for a free place
  std::atomic<Places*> places_{nullptr};

  std::mutex mutex_;
  int64_t recording_ = 0;  // guarded by mutex_
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_TIMELINES_H_

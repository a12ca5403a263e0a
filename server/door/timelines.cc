#include "server/door/timelines.h"

#include "absl/strings/str_format.h"

namespace handshake::server {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// So many places in a row are taken: enough to say that there is none.
constexpr int kTries = 64;

absl::Status CheckLength(wire::Duration length) {
  if (length > wire::Duration::zero() && length <= kLongestRecording) return absl::OkStatus();
  return absl::InvalidArgumentError("a recording must be above 0 and at most 1m; extend it");
}

absl::Status Check(const TimelineOptions& options) {
  if (options.stride < 1) {
    return absl::InvalidArgumentError("the stride must be at least 1");
  }
  if (options.most < 1 || options.most > kMostTimelines) {
    return absl::InvalidArgumentError(
        absl::StrFormat("samples must be from 1 to %d, not %d", kMostTimelines, options.most));
  }
  return CheckLength(options.length);
}

wire::TimePoint Since(const Connection& connection, uint32_t us) {
  return connection.session.started() + std::chrono::microseconds(us);
}

}  // namespace

Timelines::~Timelines() { delete places_.load(); }

absl::StatusOr<int64_t> Timelines::Record(const TimelineOptions& options, wire::TimePoint now) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (armed_ != 0 && now.time_since_epoch() < until_.load()) {
    return absl::AbortedError("timelines are being recorded already: try again when that is over");
  }
  armed_ = 0;
  if (places_.load() == nullptr) places_ = new Places();
  for (Place& place : *places_) {
    State ended = State::kEnded;
    State open = State::kOpen;
    if (place.state.compare_exchange_strong(ended, State::kFree)) continue;
    place.state.compare_exchange_strong(open, State::kForgot);
  }
  stride_ = options.stride;
  left_ = options.most;
  until_ = (now + options.length).time_since_epoch();
  armed_ = ++recording_;
  return recording_;
}

absl::Status Timelines::Extend(int64_t recording, wire::Duration length, wire::TimePoint now) {
  if (absl::Status status = CheckLength(length); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (absl::Status status = CheckNewest(recording); !status.ok()) return status;
  until_ = (now + length).time_since_epoch();
  return absl::OkStatus();
}

absl::StatusOr<Timelines::Collected> Timelines::Collect(int64_t recording) {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = CheckNewest(recording); !status.ok()) return status;
  armed_ = 0;
  Collected collected;
  for (const Place& place : *places_) {
    const State state = place.state.load(std::memory_order_acquire);
    if (state == State::kEnded) collected.ended.push_back(place.timeline);
    if (state == State::kOpen) ++collected.open;
  }
  return collected;
}

absl::Status Timelines::CheckNewest(int64_t recording) const {
  if (recording == recording_ && recording != 0) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrFormat("no recording %d: only the last one is kept", recording));
}

void Timelines::Served(Connection& connection, wire::TimePoint now, int64_t recording) {
  if (now.time_since_epoch() >= until_.load(kRelaxed)) return Disarm(recording);
  if (connection.picked_up_us != Connection::kNotYet) return;
  if (connection.first_byte_us != Connection::kNotYet) return;  // it was served before
  connection.picked_up_us = connection.MicrosecondsAt(now);
}

void Timelines::Reply(Connection& connection, int64_t recording) {
  if (connection.sample != Connection::kNoSample) return;
  if (connection.session.protocol().long_lived()) return;            // no handshake
  if (connection.session.verdict() != wire::Verdict::kNone) return;  // an ERROR
  const int64_t sequence = connection.session.sequence();
  if (sequence % stride_.load(kRelaxed) != 0) return;
  connection.sample = TakePlace(recording);
  if (connection.sample == Connection::kNoSample) return;
  Timeline& timeline = (*places_.load())[connection.sample].timeline;
  timeline = {};
  timeline.sequence = sequence;
  timeline.mode = connection.birth_mode;
  timeline.accepted = connection.session.started();
  timeline.first_byte = Since(connection, connection.first_byte_us);
  timeline.replied = wire::Clock::now();
  if (connection.picked_up_us != Connection::kNotYet) {
    timeline.picked_up = Since(connection, connection.picked_up_us);
  }
}

uint16_t Timelines::TakePlace(int64_t recording) {
  Places* const places = places_.load(std::memory_order_acquire);
  if (places == nullptr) return Connection::kNoSample;  // the flag was seen before them
  if (left_.fetch_sub(1, kRelaxed) <= 0) {
    Disarm(recording);
    return Connection::kNoSample;
  }
  for (int i = 0; i < kTries; ++i) {
    const uint32_t at = next_.fetch_add(1, kRelaxed) % kPlaces;
    State free = State::kFree;
    if ((*places)[at].state.compare_exchange_strong(free, State::kOpen)) {
      return static_cast<uint16_t>(at);
    }
  }
  return Connection::kNoSample;
}

void Timelines::Ended(const Connection& connection) {
  Place& place = (*places_.load())[connection.sample];
  place.timeline.ended = wire::Clock::now();
  place.timeline.verdict = connection.session.verdict();
  State open = State::kOpen;
  if (place.state.compare_exchange_strong(open, State::kEnded)) return;
  place.state.store(State::kFree);  // nobody asks for it any more
}

}  // namespace handshake::server

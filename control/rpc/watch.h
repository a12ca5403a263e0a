// A server stream that shows a state as it changes: the machinery of every Watch method.
#ifndef HANDSHAKE_CONTROL_RPC_WATCH_H_
#define HANDSHAKE_CONTROL_RPC_WATCH_H_

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "control/rpc/limits.h"
#include "control/rpc/status.h"
#include "grpcpp/alarm.h"
#include "grpcpp/support/server_callback.h"

namespace handshake::control {

// What a watch sees when it looks.
template <class Message>
struct Watched {
  std::shared_ptr<const Message> newest =
      {};  // immutable and shared by all watches; may be null at an end
  // Set: write `newest`, if there is one, and end so.
  std::optional<absl::Status> end = {};
};

// What is watched. `look` is called on gRPC's threads, never twice at once for one watch, and must
// not block; whatever it captures is released when the stream has ended.
template <class Message>
struct WatchSource {
  std::function<Watched<Message>()> look;
  std::chrono::nanoseconds interval{};  // between two messages
};

// Writes the newest state now and at each interval; a state is skipped while the one before is
// still in flight, so that a caller who does not read costs one message. Owns itself: ends, and is
// deleted, when the source ends, the caller cancels or the host shuts down.
template <class Message>
class Watch final : public grpc::ServerWriteReactor<Message> {
 public:
  static Watch* Begin(WatchSource<Message> source) {
    auto* watch = new Watch(std::move(source));
    watch->Step([] {});
    return watch;
  }

 private:
  using Clock = std::chrono::steady_clock;
  // What to do once the lock is released: gRPC may call back from within its calls.
  enum class Action { kNone, kWrite, kFinish, kDelete };

  explicit Watch(WatchSource<Message> source) : source_(std::move(source)), due_(Clock::now()) {}

  void OnAlarm() {
    Step([this] { alarm_set_ = false; });
  }

  void OnWriteDone(bool ok) override {
    Step([this, ok] {
      writing_ = nullptr;
      if (!ok) Conclude(absl::CancelledError("the caller went away"));
    });
  }

  void OnCancel() override {
    Step([this] { Conclude(absl::CancelledError("the call was cancelled")); });
  }

  void OnDone() override {
    Step([this] {
      done_ = true;
      if (alarm_set_) alarm_->Cancel();  // OnAlarm() comes all the same, from another thread
    });
  }

  // Notes what happened and does what follows. `this` may be gone afterwards.
  template <class Note>
  void Step(Note note) {
    Action action = Action::kNone;
    const Message* message = nullptr;
    absl::Status end;
    {
      const std::lock_guard lock(mutex_);
      note();
      action = Decide();
      if (action == Action::kWrite) message = writing_.get();
      if (action == Action::kFinish) end = *end_;
    }
    if (action == Action::kWrite) this->StartWrite(message);
    if (action == Action::kFinish) this->Finish(ToGrpc(end));
    if (action == Action::kDelete) delete this;
  }

  // With the lock held. Never writes beside a write, never finishes beside one or twice.
  Action Decide() {
    if (done_) return alarm_set_ ? Action::kNone : Action::kDelete;
    if (finished_) return Action::kNone;
    if (!end_) Look();
    if (writing_ != nullptr) return Action::kNone;
    if (next_ != nullptr) {
      writing_ = std::move(next_);
      return Action::kWrite;
    }
    if (!end_) return Action::kNone;
    finished_ = true;
    return Action::kFinish;
  }

  // With the lock held: takes the newest state if it is due or the last, and sets the alarm.
  void Look() {
    Watched<Message> seen = source_.look();
    if (seen.end) {
      next_ = std::move(seen.newest);
      end_ = std::move(*seen.end);
      return;
    }
    const Clock::time_point now = Clock::now();
    if (now >= due_) {
      if (writing_ == nullptr) next_ = std::move(seen.newest);
      due_ += source_.interval;
      if (due_ <= now) due_ = now + source_.interval;
    }
    if (alarm_set_) return;
    alarm_set_ = true;
    alarm_ = std::make_unique<grpc::Alarm>();  // a new one: the old one's callback may be running
    alarm_->Set(
        std::chrono::system_clock::now() + std::min<Clock::duration>(due_ - now, kWatchPoll),
        [this](bool) { OnAlarm(); });
  }

  // With the lock held: ends the stream without another message; the first reason stands.
  void Conclude(absl::Status status) {
    next_ = nullptr;
    if (!end_) end_ = std::move(status);
  }

  const WatchSource<Message> source_;
  std::mutex mutex_;
  // All guarded by mutex_.
  std::shared_ptr<const Message> writing_;  // in flight
  std::shared_ptr<const Message> next_;     // to be written when that is done
  Clock::time_point due_;                   // of the next message
  std::unique_ptr<grpc::Alarm> alarm_;
  bool alarm_set_ = false;
  std::optional<absl::Status> end_;  // how to end
  bool finished_ = false;            // Finish() was, or is about to be, called
  bool done_ = false;                // OnDone() came
};

// A stream that ends at once with an error.
template <class Message>
class RefusedStream final : public grpc::ServerWriteReactor<Message> {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpc(status)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_RPC_WATCH_H_

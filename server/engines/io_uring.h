// `io-uring`: a few threads, each tells the kernel what to do next with many connections at once.
#ifndef HANDSHAKE_SERVER_ENGINES_IO_URING_H_
#define HANDSHAKE_SERVER_ENGINES_IO_URING_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/net/timer_wheel.h"
#include "common/net/wake_event.h"
#include "server/door/connection_table.h"
#include "server/engines/event_workers.h"
#include "server/engines/ring.h"

namespace handshake::server {

//   worker 1   one call: hand over {accept, receive, send, close ...}, wait for what is complete
//              -> the session says what is next -> one call ...
//   worker 2   the same, with its own ring, table and timer wheel
//
// What is on the way of every handshake is the kernel's work; what is rare (a farewell, a full send
// buffer, a deadline) is done by Serve(), as in the other modes, once the kernel has let go of the
// connection.
//
// With io_uring_direct a connection is a place in its ring's table of files and has no descriptor,
// so that the limit of open files does not bound how many there are; for what is rare, and to
// leave, it gets one. A table has no more places than that limit, so there are as many rings, each
// with its worker, as the asked number needs.
class IoUringEngine final : public EventWorkersEngine {
 public:
  static constexpr std::string_view kDescription =
      "a few threads, the kernel accepts, reads, writes and closes for many connections at once";

  IoUringEngine(const EngineContext& context, uint32_t generation)
      : EventWorkersEngine(context, Mode::kIoUring, generation) {}

  ~IoUringEngine() override { JoinWorkers(); }

  // Can this process run it with these options, at so many listeners? If not: why, and what to do.
  static absl::Status Probe(const EngineOptions& options, int64_t listener_count);

  absl::Status Prepare() override;
  void Start() override;
  absl::Status CanLeave() const override { return context().door.CanInstallAll(); }

  // For its workers: may they ask for no more? Then each says once that nothing is on its way.
  bool stopping() const { return stopping_.load(); }
  void WorkerStopped();
  // Of each worker, for connections without a descriptor; 0: they have one.
  int64_t places() const { return plan_.places; }
  // How many there must be in its table for that.
  uint32_t table_size() const { return plan_.table_size; }

 protected:
  std::unique_ptr<EventWorker> MakeWorker(Doorway doorway) override;
  int64_t WorkersWanted() const override { return plan_.rings; }
  // Who has a place left takes from every shard.
  int64_t SharesWanted() const override { return places() > 0 ? 1 : plan_.rings; }
  void OnStopTaking() override;

 private:
  // How the connections of io_uring_direct are shared out.
  struct Plan {
    int64_t rings = 0;
    int64_t places = 0;       // of each ring, for connections
    uint32_t table_size = 0;  // of its table
  };
  // RESOURCE_EXHAUSTED, with what to do.
  static absl::StatusOr<Plan> PlanOf(const EngineOptions& options, int64_t listener_count);

  Plan plan_ = {.rings = context().options.workers};
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> taking_{0};  // workers that may still accept
};

// One thread and its ring.
class IoUringWorker final : public EventWorker {
 public:
  IoUringWorker(IoUringEngine& engine, Doorway doorway);
  absl::Status Prepare() override;
  void Run() override;
  void Wake() override { wake_.Raise(); }
  void LookAgain() override;

 private:
  static constexpr int kNoPlace = -1;
  // What the kernel does for a connection; never nothing while it is in the table.
  enum class Request : uint8_t { kReceive, kSend, kPoll, kInstall };
  struct Note {
    Request request = Request::kReceive;
    bool leaving = false;      // goes to the lobby as soon as the request is over
    bool may_install = false;  // the door has granted it a descriptor
    int place = kNoPlace;      // in the ring's table, while the connection has no descriptor
  };

  void Handle(const Completion& completion);
  void OnConnection(uint32_t slot, Request request, const Completion& completion);
  void OnReceived(uint32_t slot, const Completion& completion);

  // The door.
  void OpenDoor();
  void Ask(size_t listener);
  void OnAccepted(size_t listener, const Completion& completion);
  void Admit(size_t listener, int number);
  // Is there a descriptor, or a place, for one more?
  bool MayAccept();
  bool IsPlaced(size_t listener) const;
  // May as many connections come as the ring has room for, before anybody looks at one?
  bool HasRoom();
  void StayAway();
  void AskAnew();
  // One is free again: who was away for want of it comes back at once.
  void FreePlace();
  // What others have said since the last look.
  void Heed();
  void TakeOffers();
  void StopTaking();
  void OnAcceptCancelled(size_t listener, const Completion& completion);
  void SayIfStopped();

  // A connection that the kernel has let go of: what the session needs next.
  void GoOn(uint32_t slot);
  void Reply(uint32_t slot);
  void Receive(uint32_t slot, bool nothing_there);
  void ServeNow(uint32_t slot);
  // Serve() works on descriptors: who has none waits on if that will do, else gets one.
  void ServePlaced(uint32_t slot);
  void AwaitPlaced(uint32_t slot);
  void Install(uint32_t slot);
  void OnInstalled(uint32_t slot, int result);
  // It is due or over, and there is none for it.
  void JudgePlaced(uint32_t slot);
  void EndPlaced(uint32_t slot);
  void Await(uint32_t slot, Progress progress);
  void End(uint32_t slot);
  Connection Ended(uint32_t slot);

  void Due(uint32_t slot);
  void CancelRequest(uint32_t slot);
  uint32_t Add(Connection&& connection);
  Connection Forget(uint32_t slot);
  void LetLeave();
  void Detach(uint32_t slot);
  void HandOverSlice();

  RingFile FileOf(uint32_t slot);
  uint64_t TagOf(uint32_t slot, Request request) const;
  // When to look around next, if nothing happens.
  std::optional<wire::TimePoint> NextTurn() const;
  Ledger& ledger() const { return engine_.context().ledger; }

  IoUringEngine& engine_;
  const Doorway doorway_;
  net::WakeEvent wake_;
  Ring ring_;
  net::TimerWheel wheel_;
  ConnectionTable<Note> table_;
  wire::TimePoint now_{};  // of this turn

  std::vector<bool> accepting_;  // by listener: the kernel does
  const bool has_long_lived_;    // is one of the listeners?
  int accepting_count_ = 0;
  int cancels_unanswered_ = 0;
  std::atomic<bool> away_{true};  // no accept is asked for, and the next will be a new one
  std::atomic<bool> look_again_{false};
  bool full_ = false;      // away from the door for want of a place
  int64_t placed_ = 0;     // connections that have a place
  int64_t room_left_ = 0;  // connections that may come before the room is reckoned again
  bool stopping_ = false;
  bool stopped_ = false;
  int broken_in_a_row_ = 0;
  TakeBackOff back_off_;
  std::optional<wire::TimePoint> back_at_door_;

  uint32_t leave_at_ = 0;
  std::optional<wire::TimePoint> leave_again_;  // descriptors were short
  std::vector<Connection> slice_;
  wire::TimePoint detached_at_{};
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_IO_URING_H_

// One thread of a load run: a reactor, and its share of the run's clients, or of its arrivals.
#ifndef HANDSHAKE_CLIENT_LOAD_WORKER_H_
#define HANDSHAKE_CLIENT_LOAD_WORKER_H_

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "client/load_control.h"
#include "client/load_run.h"
#include "client/load_tally.h"
#include "client/pacer.h"
#include "client/source_addresses.h"
#include "common/net/reactor.h"
#include "common/net/timer_wheel.h"
#include "common/net/unique_fd.h"
#include "common/net/wake_event.h"
#include "common/wire/client_handshake.h"

namespace handshake::client {

// What the workers of one run have in common. Outlives them.
struct LoadPlan {
  explicit LoadPlan(const LoadSpec& the_spec);

  const LoadSpec spec;
  const SourceAddresses sources;
  LoadControl control;                     // behind a change wake every worker
  wire::TimePoint started;                 // set before the workers run: before the first connect
  wire::TimePoint count_from;              // the same: the end of the warm-up
  std::optional<wire::TimePoint> stop_at;  // the same
  std::atomic<bool> cancelled{false};      // then wake every worker
  std::function<void()> on_spent;  // wakes every worker, when the last handshake of a count begins
  // The next handshake's number, from 0: a run of `count` begins those below `count`.
  alignas(64) std::atomic<int64_t> next_ticket{0};
  alignas(64) std::atomic<int64_t> standing{0};  // established connections, and the most of them
  std::atomic<int64_t> peak_standing{0};
};

// Open(), then Run() on a thread of its own; everything else from any thread. After Run() returned
// no connection is left and the numbers are final.
class LoadWorker {
 public:
  // The `share`-th of `shares` workers, from 0: it has its part of the clients and of the arrivals.
  LoadWorker(LoadPlan& plan, int64_t share, int64_t shares);

  // RESOURCE_EXHAUSTED: no descriptor for the reactor. Call once, before anything else.
  absl::Status Open();
  // Until the run is over for this worker's clients.
  void Run();
  void Wake() { wake_.Raise(); }

  void AddTo(LoadReport& report) const;
  // After Run() returned.
  const std::vector<HandshakeSample>& samples() const { return samples_; }
  void AddTo(Vitals& vitals) const { tally_.AddTo(vitals); }

 private:
  using TimePoint = wire::TimePoint;

  // kFree: nobody's; kReady: closed loop, to begin its next handshake.
  enum class Phase : uint8_t { kFree, kReady, kConnecting, kTalking, kResting };

  // One client of the closed loop, or a place for one of the open loop's handshakes. Its place in
  // the table is its item in the timer wheel.
  struct Client {
    net::UniqueFd fd;
    std::optional<wire::ClientHandshake> handshake;  // while kTalking
    TimePoint intended;                              // open loop
    TimePoint started;
    TimePoint established;
    TimePoint replied;    // message 2 was read
    TimePoint confirmed;  // message 3 was sent
    int64_t sequence = 0;
    uint32_t watched = 0;     // what the reactor watches the fd for; 0: it does not
    uint32_t generation = 0;  // tells this handshake's events from an older one's
    Phase phase = Phase::kFree;
    bool counted = false;  // this handshake is no warm-up
  };

  void Loop();
  void EndWarmup();
  // Goes by what was changed, if anything was.
  void FollowControl();
  TimePoint NextLook() const;
  void BeginReady();  // closed loop
  void BeginDue();    // open loop
  void Arrive(TimePoint intended);
  // A place that is free, if there is one; it is in use from now on.
  std::optional<uint32_t> TakePlace();
  void FreePlace(uint32_t id);
  // The number of the next handshake; nothing: the count is reached.
  std::optional<int64_t> TakeTicket();
  bool Spent() const;           // it is
  void BeginNext(uint32_t id);  // closed loop, of a client that is ready or new
  void Begin(uint32_t id, int64_t ticket);
  void OnEvent(const net::Reactor::Event& event);
  void OnDue(uint32_t id);
  void ContinueConnect(uint32_t id);
  // Follows the session until it must wait; reads at most once, and only if may_read.
  void Converse(uint32_t id, bool may_read);
  // Waits for readiness `what`, and until `deadline`.
  void Await(uint32_t id, uint32_t what, TimePoint deadline);
  // Behind a step of the session.
  void NoteStage(Client& client, wire::Stage before);
  void End(uint32_t id, wire::Verdict verdict);
  void Sample(const Client& client, TimePoint ended);
  void Close(Client& client, wire::Ending ending);
  // Behind a handshake: to the next one, now or later.
  void MoveOn(uint32_t id, wire::Verdict verdict);
  void NoteNextArrival();
  // Nothing new is begun from here on.
  void EndBeginning();
  void StopBeginning(TimePoint now);
  void GiveUp();
  void CountStanding();

  LoadPlan& plan_;
  const int64_t share_;
  const int64_t shares_;
  net::Reactor reactor_;
  net::WakeEvent wake_;
  net::TimerWheel wheel_;
  LoadTally tally_;
  std::vector<HandshakeSample> samples_;  // within its capacity
  std::vector<Client> clients_;
  uint64_t control_version_ = 0;                // that this worker goes by; 0: none yet
  std::shared_ptr<const RateProfile> profile_;  // open loop
  std::optional<Pacer> pacer_;                  // open loop
  std::optional<TimePoint> next_arrival_;       // of the pacer; nothing: there are no more
  size_t wanted_ = 0;                           // closed loop: clients at work
  size_t working_ = 0;           // places in use; in a closed loop resting clients too
  uint32_t fresh_ = 0;           // places from here on were never used
  std::vector<uint32_t> free_;   // places that were
  std::vector<uint32_t> ready_;  // clients to begin their next handshake
  std::vector<uint32_t> beginning_;
  bool warming_up_ = true;
  bool beginning_ended_ = false;
  std::optional<TimePoint> give_up_at_;  // set once the run is over

  mutable std::mutex cpu_mutex_;
  std::optional<clockid_t> cpu_clock_;  // of the thread, while it runs
  std::chrono::nanoseconds cpu_{};      // of the thread, once it is over
  std::optional<std::chrono::nanoseconds>
      warmup_cpu_;  // of that, in the warm-up; nothing: it lasts
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LOAD_WORKER_H_

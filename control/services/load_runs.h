// The load runs of this process: their caps, their leases, their states.
#ifndef HANDSHAKE_CONTROL_SERVICES_LOAD_RUNS_H_
#define HANDSHAKE_CONTROL_SERVICES_LOAD_RUNS_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/load_run.h"
#include "client/target_list.h"
#include "control/rpc/limits.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::control {

// Thread-safe. Its one thread, the keeper, refreshes the state of each running run every
// kLoadRunTick, notes ends, and cancels runs whose lease has run out. Errors are those of
// LoadService.
class LoadRuns {
 public:
  // Immutable; shared by all who ask in one tick.
  using State = std::shared_ptr<const v1::LoadRun>;
  // The newest state of one run. While a copy of it exists, the run has a watcher.
  using View = std::function<State()>;

  // lease: how long a run that is not detached lives without a watcher.
  explicit LoadRuns(client::TargetList targets = {}, std::chrono::nanoseconds lease = kLoadLease);
  ~LoadRuns();  // as Stop()

  // Starts a run for `creator`; blocks while its target is looked up, which makes nobody else wait,
  // and while its threads and sockets are made.
  absl::StatusOr<State> Create(const std::string& creator, const v1::CreateLoadRunRequest& request);
  // FULL blocks for the milliseconds in which a running run's numbers are collected.
  absl::StatusOr<State> Get(const std::string& id, v1::LoadRunView view);
  // Newest first, at most `limit`; BASIC, as what the others answer.
  std::vector<State> List(size_t limit) const;
  // Only a watcher that is the run's creator holds its lease. This must outlive the view. FULL
  // blocks as in Get(); the view itself never does.
  absl::StatusOr<View> Watch(const std::string& id, const std::string& principal,
                             v1::LoadRunView view);
  // Blocks until the run has ended, at most kLoadCancelWait.
  absl::StatusOr<State> Cancel(const std::string& id);
  // Blocks while another run's threads and sockets are made.
  absl::StatusOr<State> Update(const v1::UpdateLoadRunRequest& request);

  // Cancels what runs and ends the keeper; Create() is UNAVAILABLE from now on. Idempotent.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::string creator;
    std::shared_ptr<client::LoadRun> run;  // null once it has ended
    std::string cancel_reason;             // the first one
    int watcher_count = 0;                 // of the creator
    Clock::time_point unwatched_since;
    int full_watcher_count = 0;  // of anybody, of the FULL view
    State state;                 // BASIC
    State full;                  // up to date while watched, and at the end; null: not kept
    std::chrono::nanoseconds reported_at{};  // since the run's start: how old those are
    const State& Seen(v1::LoadRunView view) const {
      return view == v1::LOAD_RUN_VIEW_FULL && full != nullptr ? full : state;
    }
  };
  using EntryPtr = std::shared_ptr<Entry>;

  // What a run takes of the caps, paused or not.
  struct LoadDemand {
    int64_t connections = 0;
    double rate = 0;
    bool open = false;  // for words
  };
  static LoadDemand DemandOf(const v1::LoadSpec& spec);
  static LoadDemand DemandOf(const v1::LoadRun& run);  // what it has not yet given back too

  // Whether a run may be started now: null; the run that this request made before; or why not.
  // Takes mutex_ itself.
  absl::StatusOr<State> Admit(const std::string& creator, const v1::CreateLoadRunRequest& request,
                              const v1::LoadSpec& spec) const;

  // Those below are called with mutex_ held, but for Keep, Refresh, Unwatch.
  absl::StatusOr<EntryPtr> Find(const std::string& id) const;
  // Finds it, and brings its full state up to date if that is asked for. Takes mutex_ itself.
  absl::StatusOr<EntryPtr> FindFresh(const std::string& id, v1::LoadRunView view);
  EntryPtr FindRequest(const std::string& creator, const std::string& request_id) const;
  // RESOURCE_EXHAUSTED: the running ones, but for `itself`, leave too little of a cap for it.
  absl::Status CheckFits(const LoadDemand& wanted, const Entry* itself) const;
  std::vector<EntryPtr> Running() const;
  void CancelRun(Entry& entry, std::string_view reason);
  void ForgetOldRuns();

  void Keep();
  // Takes the run's report into its state, and into the full one if that is wanted or the run has
  // ended; ends it when the run has.
  void Refresh(const EntryPtr& entry, v1::LoadRunView view);
  void Unwatch(Entry& entry, bool lease, v1::LoadRunView view);

  const client::TargetList targets_;
  const std::chrono::nanoseconds lease_;
  std::mutex create_mutex_;  // one Create() or Update() at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  std::map<int64_t, EntryPtr> entries_;  // by number: "run-1" is 1
  int64_t last_number_ = 0;
  bool stopping_ = false;
  std::thread keeper_;
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_LOAD_RUNS_H_

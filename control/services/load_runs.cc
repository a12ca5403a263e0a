#include "control/services/load_runs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "client/load_control.h"
#include "common/text/duration.h"
#include "control/services/convert.h"
#include "control/services/load_spec.h"
#include "control/services/requests.h"
#include "google/protobuf/util/message_differencer.h"
#include "spdlog/spdlog.h"

namespace handshake::control {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::LoadRun Describe(const v1::CreateLoadRunRequest& request, const v1::LoadSpec& spec) {
  v1::LoadRun run;
  *run.mutable_spec() = spec;
  run.set_detached(request.detached());
  run.set_request_id(request.request_id());
  run.set_state(v1::LoadRun::STATE_RUNNING);
  *run.mutable_start_time() = ToProto(std::chrono::system_clock::now());
  return run;
}

absl::StatusOr<client::LoadChange> ChangeOf(const v1::UpdateLoadRunRequest& request) {
  client::LoadChange change;
  if (request.has_rate_per_second()) change.rate = request.rate_per_second();
  if (request.has_concurrency()) change.concurrency = request.concurrency();
  if (request.has_paused()) change.paused = request.paused();
  if (change.rate || change.concurrency || change.paused) return change;
  return absl::InvalidArgumentError("rate_per_second, concurrency or paused is required");
}

// The largest state, of a FULL view: each bucket in use is a count and what is skipped before it, a
// number of at most so many bytes, and a point has some more for its figures.
constexpr size_t kCountBytes = 5;
constexpr size_t kPointBytes = 512;
constexpr size_t kEventBytes = 256;  // a condition is part of some
constexpr size_t kSampleBytes = 80;
static_assert(kMaxLoadHandshakes < int64_t{1} << (7 * kCountBytes - 1));
constexpr size_t HistogramBytes(const stats::HistogramLayout& layout) {
  return static_cast<size_t>(layout.bucket_count()) * kCountBytes;
}
static_assert(6 * HistogramBytes(stats::kLoadLatencyLayout) + kMaxPointHistogramBytes +
                  client::LoadSeries::kMostPoints * kPointBytes +
                  client::LoadControl::kMostEvents * kEventBytes + kMaxLoadSamples * kSampleBytes <
              kMaxResponseBytes);

absl::Status InField(std::string_view field, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrFormat("%s: %s", field, std::string(status.message())));
}

absl::Status Stopping() { return absl::UnavailableError("the process is stopping"); }

}  // namespace

LoadRuns::LoadRuns(client::TargetList targets, std::chrono::nanoseconds lease)
    : targets_(std::move(targets)), lease_(lease), keeper_([this] { Keep(); }) {}

LoadRuns::~LoadRuns() { Stop(); }

absl::StatusOr<LoadRuns::State> LoadRuns::Create(const std::string& creator,
                                                 const v1::CreateLoadRunRequest& request) {
  if (absl::Status valid = CheckRequestId(request.request_id()); !valid.ok()) return valid;
  if (!request.has_spec()) return absl::InvalidArgumentError("spec is required");
  absl::StatusOr<v1::LoadSpec> spec =
      CheckLoadSpec(request.spec(), request.detached() ? kMaxDetachedLoad : kMaxLoadDuration);
  if (!spec.ok()) return spec.status();
  absl::StatusOr<State> first = Admit(creator, request, *spec);
  if (!first.ok() || *first != nullptr) return first;
  // The resolver may take seconds: nobody waits for it but who asked, and the rest is asked again.
  const absl::StatusOr<net::Address> target = targets_.Resolve(spec->target());
  if (!target.ok()) return InField("spec.target", target.status());
  const std::lock_guard create_lock(create_mutex_);
  first = Admit(creator, request, *spec);
  if (!first.ok() || *first != nullptr) return first;
  v1::LoadRun description = Describe(request, *spec);
  description.set_target_address(target->ToString());
  absl::StatusOr<std::unique_ptr<client::LoadRun>> run =
      client::LoadRun::Start(ToClientSpec(*spec, *target));
  if (!run.ok()) return run.status();

  auto entry = std::make_shared<Entry>();
  entry->creator = creator;
  entry->run = *std::move(run);
  entry->unwatched_since = Clock::now();
  FillCounts(entry->run->Report(), description);
  std::unique_lock lock(mutex_);
  if (stopping_) {
    lock.unlock();
    entry->run.reset();  // nobody would look after it: it ends here
    return Stopping();
  }
  description.set_id(absl::StrFormat("run-%d", ++last_number_));
  entry->state = std::make_shared<const v1::LoadRun>(std::move(description));
  entries_.emplace(last_number_, entry);
  changed_.notify_all();
  const std::string rate =
      IsOpenLoop(*spec) ? absl::StrFormat("%g/s, ", PeakRate(*spec)) : std::string();
  spdlog::info("{} started: {}{} at once to {}{}", entry->state->id(), rate, MostAtOnce(*spec),
               spec->target(), request.detached() ? ", detached" : "");
  return entry->state;
}

absl::StatusOr<LoadRuns::State> LoadRuns::Admit(const std::string& creator,
                                                const v1::CreateLoadRunRequest& request,
                                                const v1::LoadSpec& spec) const {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Stopping();
  const EntryPtr first = FindRequest(creator, request.request_id());
  if (first != nullptr) {
    if (MessageDifferencer::Equals(first->state->spec(), spec)) return first->state;
    return absl::InvalidArgumentError(absl::StrFormat(
        "request_id was used for %s with another spec; choose a new one", first->state->id()));
  }
  if (absl::Status fits = CheckFits(DemandOf(spec), nullptr); !fits.ok()) return fits;
  if (Running().size() < kMaxRunningLoadRuns) return State();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%d runs go on, the most there may be: cancel one, or wait", kMaxRunningLoadRuns));
}

absl::StatusOr<LoadRuns::State> LoadRuns::Get(const std::string& id, v1::LoadRunView view) {
  const absl::StatusOr<EntryPtr> entry = FindFresh(id, view);
  if (!entry.ok()) return entry.status();
  const std::lock_guard lock(mutex_);
  return (*entry)->Seen(view);
}

std::vector<LoadRuns::State> LoadRuns::List(size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<State> states;
  for (auto it = entries_.rbegin(); it != entries_.rend() && states.size() < limit; ++it) {
    states.push_back(it->second->state);
  }
  return states;
}

absl::StatusOr<LoadRuns::View> LoadRuns::Watch(const std::string& id, const std::string& principal,
                                               v1::LoadRunView view) {
  const absl::StatusOr<EntryPtr> found = FindFresh(id, view);
  if (!found.ok()) return found.status();
  const EntryPtr& entry = *found;
  const bool lease = entry->creator == principal;
  const std::lock_guard lock(mutex_);
  if (lease) ++entry->watcher_count;
  if (view == v1::LOAD_RUN_VIEW_FULL) ++entry->full_watcher_count;
  const std::shared_ptr<void> hold(
      nullptr, [this, entry, lease, view](void*) { Unwatch(*entry, lease, view); });
  return [this, entry, hold, view] {
    const std::lock_guard view_lock(mutex_);
    return entry->Seen(view);
  };
}

absl::StatusOr<LoadRuns::State> LoadRuns::Cancel(const std::string& id) {
  EntryPtr entry;
  std::shared_ptr<client::LoadRun> run;
  {
    const std::lock_guard lock(mutex_);
    absl::StatusOr<EntryPtr> found = Find(id);
    if (!found.ok()) return found.status();
    entry = *std::move(found);
    run = entry->run;
    CancelRun(*entry, "cancelled by an operator");
  }
  if (run != nullptr) {
    run->WaitFor(kLoadCancelWait);
    run.reset();
    Refresh(entry, v1::LOAD_RUN_VIEW_BASIC);
  }
  const std::lock_guard lock(mutex_);
  return entry->state;
}

absl::StatusOr<LoadRuns::State> LoadRuns::Update(const v1::UpdateLoadRunRequest& request) {
  const absl::StatusOr<client::LoadChange> change = ChangeOf(request);
  if (!change.ok()) return change.status();
  const std::lock_guard create_lock(create_mutex_);
  EntryPtr entry;
  std::shared_ptr<client::LoadRun> run;
  {
    const std::lock_guard lock(mutex_);
    absl::StatusOr<EntryPtr> found = Find(request.id());
    if (!found.ok()) return found.status();
    entry = *std::move(found);
    run = entry->run;
    if (run == nullptr) return absl::FailedPreconditionError(request.id() + " has ended");
    LoadDemand wanted = DemandOf(*entry->state);
    if (change->rate) wanted.rate = *change->rate;
    if (change->concurrency) wanted.connections = *change->concurrency;
    absl::Status fits = CheckFits(wanted, entry.get());
    if (!fits.ok()) return fits;
  }
  if (absl::Status changed = run->Change(*change); !changed.ok()) return changed;
  run.reset();
  Refresh(entry, v1::LOAD_RUN_VIEW_BASIC);
  const std::lock_guard lock(mutex_);
  return entry->state;
}

void LoadRuns::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const EntryPtr& entry : Running()) CancelRun(*entry, "the process stopped");
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

absl::StatusOr<LoadRuns::EntryPtr> LoadRuns::Find(const std::string& id) const {
  for (const auto& [number, entry] : entries_) {
    if (entry->state->id() == id) return entry;
  }
  return absl::NotFoundError(absl::StrFormat(
      "no load run '%s': the last %d finished ones are kept, list them", id, kMaxFinishedLoadRuns));
}

absl::StatusOr<LoadRuns::EntryPtr> LoadRuns::FindFresh(const std::string& id,
                                                       v1::LoadRunView view) {
  absl::StatusOr<EntryPtr> entry;
  {
    const std::lock_guard lock(mutex_);
    entry = Find(id);
  }
  if (entry.ok() && view == v1::LOAD_RUN_VIEW_FULL) Refresh(*entry, view);
  return entry;
}

LoadRuns::EntryPtr LoadRuns::FindRequest(const std::string& creator,
                                         const std::string& request_id) const {
  if (request_id.empty()) return nullptr;
  for (const auto& [number, entry] : entries_) {
    if (entry->creator == creator && entry->state->request_id() == request_id) return entry;
  }
  return nullptr;
}

LoadRuns::LoadDemand LoadRuns::DemandOf(const v1::LoadSpec& spec) {
  return {.connections = MostAtOnce(spec), .rate = PeakRate(spec), .open = IsOpenLoop(spec)};
}

LoadRuns::LoadDemand LoadRuns::DemandOf(const v1::LoadRun& run) {
  LoadDemand demand = DemandOf(run.spec());
  if (demand.open && run.spec().stages().empty()) demand.rate = run.rate_per_second();
  if (!demand.open) {
    demand.connections =
        std::max(run.concurrency(), run.in_flight_count() + run.left_out().in_flight_count());
  }
  return demand;
}

absl::Status LoadRuns::CheckFits(const LoadDemand& wanted, const Entry* itself) const {
  int64_t connections = 0;
  double rate = 0;
  for (const EntryPtr& entry : Running()) {
    if (entry.get() == itself) continue;
    const LoadDemand demand = DemandOf(*entry->state);
    connections += demand.connections;
    rate += demand.rate;
  }
  if (wanted.connections > kMaxLoadConnections - connections) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s is %d and other runs have %d connections: the cap over all runs is %d",
                        wanted.open ? "max_in_flight_count" : "concurrency", wanted.connections,
                        connections, kMaxLoadConnections));
  }
  if (rate + wanted.rate > kMaxLoadRate) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("rate_per_second is %g and other runs have %g: the cap over all runs is %g",
                        wanted.rate, rate, kMaxLoadRate));
  }
  return absl::OkStatus();
}

std::vector<LoadRuns::EntryPtr> LoadRuns::Running() const {
  std::vector<EntryPtr> running;
  for (const auto& [number, entry] : entries_) {
    if (entry->run != nullptr) running.push_back(entry);
  }
  return running;
}

void LoadRuns::CancelRun(Entry& entry, std::string_view reason) {
  if (entry.run == nullptr) return;
  if (entry.cancel_reason.empty()) entry.cancel_reason = reason;
  entry.run->Cancel();
}

void LoadRuns::ForgetOldRuns() {
  size_t finished = 0;
  for (auto it = entries_.end(); it != entries_.begin();) {  // the newest first
    --it;
    if (it->second->run != nullptr) continue;
    ++finished;
    if (finished > kMaxFullLoadRuns) it->second->full.reset();
    if (finished > kMaxFinishedLoadRuns) it = entries_.erase(it);
  }
}

void LoadRuns::Keep() {
  std::unique_lock lock(mutex_);
  while (true) {
    const std::vector<EntryPtr> running = Running();
    if (running.empty()) {
      if (stopping_) return;
      changed_.wait(lock);
      continue;
    }
    const Clock::time_point now = Clock::now();
    for (const EntryPtr& entry : running) {
      const bool abandoned = entry->watcher_count == 0 && now - entry->unwatched_since >= lease_;
      if (abandoned && !entry->state->detached()) {
        CancelRun(*entry,
                  absl::StrFormat("nobody watched it for %s", text::FormatDuration(lease_)));
      }
    }
    lock.unlock();
    for (const EntryPtr& entry : running) Refresh(entry, v1::LOAD_RUN_VIEW_BASIC);
    lock.lock();
    changed_.wait_for(lock, kLoadRunTick);
  }
}

void LoadRuns::Refresh(const EntryPtr& entry, v1::LoadRunView view) {
  std::shared_ptr<client::LoadRun> run;
  v1::LoadRun state;
  bool full = view == v1::LOAD_RUN_VIEW_FULL;
  {
    const std::lock_guard lock(mutex_);
    if (entry->run == nullptr) return;
    run = entry->run;
    state = *entry->state;
    full = full || entry->full_watcher_count > 0;
  }
  const client::LoadReport report = run->Report();
  FillCounts(report, state);
  full = full || report.done;
  v1::LoadRun detail;
  if (full) {
    detail = state;
    FillDetail(report, run->Series(), detail);
    if (report.done && detail.spec().sample_count() > 0) {
      *detail.mutable_client_timelines() = SamplesOf(*run);
    }
  }

  const std::lock_guard lock(mutex_);
  if (entry->run == nullptr) return;                          // another thread saw the end first
  if (report.done || report.elapsed >= entry->reported_at) {  // else it brought a younger state
    entry->reported_at = report.elapsed;
    FillState(report, entry->cancel_reason, state);
    entry->state = std::make_shared<const v1::LoadRun>(std::move(state));
  }
  if (full) {
    FillState(report, entry->cancel_reason, detail);
    entry->full = std::make_shared<const v1::LoadRun>(std::move(detail));
  }
  if (!report.done) return;
  entry->run.reset();  // `run` ends its threads, after the lock is gone
  ForgetOldRuns();
  spdlog::info("{} ended: {}, {} ok, {} failed", entry->state->id(),
               v1::LoadRun::State_Name(entry->state->state()), report.ok(), report.failed());
}

void LoadRuns::Unwatch(Entry& entry, bool lease, v1::LoadRunView view) {
  const std::lock_guard lock(mutex_);
  if (view == v1::LOAD_RUN_VIEW_FULL) --entry.full_watcher_count;
  if (lease && --entry.watcher_count == 0) entry.unwatched_since = Clock::now();
}

}  // namespace handshake::control

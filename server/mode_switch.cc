#include "server/mode_switch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "server/engines/engine_threads.h"
#include "server/engines/factory.h"
#include "spdlog/spdlog.h"

namespace handshake::server {
namespace {

// Engines that may serve on after a switch; the next switch makes the oldest hand over at once.
constexpr size_t kMaxDraining = 2;

// Engines that may still be winding down: a bound on threads, far above what a person can reach.
constexpr size_t kMaxRetired = 16;

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

// " (2 workers)"; nothing for a mode that has none.
std::string WithWorkers(int64_t workers) {
  if (workers == 0) return "";
  return absl::StrFormat(" (%d worker%s)", workers, workers == 1 ? "" : "s");
}

double Milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

// An engine and the thread that will drain it. The thread is made with the engine, while failing is
// still possible, and waits until the engine is retired.
class ModeSwitcher::Generation {
 public:
  Generation(const EngineContext& context, Mode mode, int64_t number)
      : engine_(MakeEngine(context, mode, static_cast<uint32_t>(number))),
        number_(number),
        workers_(HasWorkers(mode) ? context.options.workers : 0) {}

  ~Generation() {
    Give(Order{.leave = true, .deadline = {}, .done = {}});
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Prepare() {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return ThreadShortage(error.code().value());
    }
    return engine_->Prepare();
  }

  // Drains in the background, then calls `done` with what the engine counted.
  using Done = std::function<void(const Engine::Counts&)>;
  void Retire(wire::TimePoint deadline, Done done) {
    Give({.leave = false, .deadline = deadline, .done = std::move(done)});
  }
  // Makes it pass what it has to the lobby at once.
  void Hurry() {
    const std::lock_guard lock(mutex_);
    if (engine_) engine_->HurryDrain();
  }
  // Blocks until it has drained, after `deadline` in a hurry.
  void AwaitGone(wire::TimePoint deadline) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_until(lock, deadline, [this] { return gone_.load(); })) return;
    if (engine_) engine_->HurryDrain();
    changed_.wait(lock, [this] { return gone_.load(); });
  }
  bool gone() const { return gone_.load(); }

  Engine& engine() { return *engine_; }
  Mode mode() const { return mode_; }
  int64_t number() const { return number_; }
  int64_t workers() const { return workers_; }

 private:
  struct Order {
    bool leave;
    wire::TimePoint deadline;
    Done done;
  };

  void Give(Order order) {
    const std::lock_guard lock(mutex_);
    if (order_) return;
    order_ = std::move(order);
    changed_.notify_all();
  }

  void Run() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return order_.has_value(); });
    }
    if (order_->leave) return;
    engine_->Drain(order_->deadline);
    order_->done(engine_->counts());
    std::unique_lock lock(mutex_);
    std::unique_ptr<Engine> empty = std::move(engine_);
    lock.unlock();
    empty.reset();  // off everybody's path: ending thousands of threads takes its time
    lock.lock();
    gone_.store(true);
    changed_.notify_all();
  }

  std::unique_ptr<Engine> engine_;
  const Mode mode_ = engine_->mode();
  const int64_t number_;
  const int64_t workers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Order> order_;  // given once, then constant
  std::atomic<bool> gone_{false};
  std::thread thread_;
};

ModeSwitcher::ModeSwitcher(const EngineContext& context) : context_(context) {}

ModeSwitcher::~ModeSwitcher() = default;

absl::Status ModeSwitcher::Begin(Mode mode) {
  context_.ledger.Open(mode);
  auto first = std::make_unique<Generation>(context_, mode, 1);
  if (absl::Status status = first->Prepare(); !status.ok()) return status;
  Engine& engine = first->engine();
  {
    const std::lock_guard lock(mutex_);
    active_ = std::move(first);
  }
  engine.Start();  // what it serves may ask for the mode in force
  return absl::OkStatus();
}

absl::StatusOr<SwitchRecord> ModeSwitcher::Switch(const SwitchRequest& request) {
  const auto wall = std::chrono::system_clock::now();
  // Take the slot and check.
  const std::unique_lock slot(slot_, std::try_to_lock);
  if (!slot) {
    if (stopping()) return Stopping();
    return absl::AbortedError("another switch is being made; look at the mode, try again");
  }
  if (absl::Status status = Check(request); !status.ok()) return status;
  if (std::optional<SwitchRecord> done = FindRequest(request.request_id)) return *done;
  if (IsInForce(request)) return Unmade(request, SwitchRecord::State::kUnchanged);
  if (absl::Status status = active_->engine().CanLeave(); !status.ok()) {
    return absl::FailedPreconditionError(absl::StrFormat("mode %s cannot be left now: %s",
                                                         ModeName(active_->mode()),
                                                         std::string(status.message())));
  }
  const wire::TimePoint validated = wire::Clock::now();
  if (!request.dry_run) LimitRetired();

  // Build the candidate; the old engine knows nothing of it yet.
  context_.ledger.Open(request.target);
  EngineContext context = context_;
  if (request.workers > 0) context.options.workers = request.workers;
  auto candidate = std::make_unique<Generation>(context, request.target, active().generation + 1);
  if (absl::Status status = candidate->Prepare(); !status.ok()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("mode %s cannot run here: %s; mode %s serves on", ModeName(request.target),
                        std::string(status.message()), ModeName(active().mode)));
  }
  const wire::TimePoint prepared = wire::Clock::now();
  if (request.dry_run) {
    SwitchRecord record = Unmade(request, SwitchRecord::State::kDryRun);
    record.workers = candidate->workers();
    record.prepare_time = prepared - validated;
    return record;
  }

  // Both serve; then the old one stops taking and says so.
  HurryOldest();
  candidate->engine().Start();
  Engine& old = active_->engine();
  old.StopTaking();
  // Of several that wait for a connection the kernel may have woken the one that has just stopped.
  candidate->engine().LookAgain();
  const wire::TimePoint stopped = wire::Clock::now();
  const Engine::Counts at_stop = old.counts();

  // Publish; the rest happens in the background.
  SwitchRecord record = Unmade(request, SwitchRecord::State::kDraining);
  record.requested_at = wall;
  record.generation = candidate->number();
  record.workers = candidate->workers();
  record.prepare_time = prepared - validated;
  record.switch_time = stopped - validated;
  record.in_flight = at_stop.in_flight();
  Generation& retired = *active_;
  record = Publish(std::move(candidate), std::move(record));
  spdlog::info("switch {}: {} -> {}{} in {:.3f} ms, {} in flight, by {}", record.id,
               ModeName(record.from), ModeName(record.to), WithWorkers(record.workers),
               Milliseconds(record.switch_time), record.in_flight,
               record.requested_by.empty() ? "-" : record.requested_by);
  retired.Retire(stopped + request.drain_timeout,
                 [this, id = record.id, at_stop, stopped](const Engine::Counts& at_end) {
                   Complete(id, at_stop, at_end, wire::Clock::now() - stopped);
                 });
  return record;
}

absl::Status ModeSwitcher::Check(const SwitchRequest& request) const {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Stopping();
  if (request.drain_timeout < wire::Duration::zero() || request.drain_timeout > kMaxDrainTimeout) {
    return absl::InvalidArgumentError("drain_timeout must be from 0 s to 60 s");
  }
  if (absl::Status status = CheckWorkers(request); !status.ok()) return status;
  if (request.request_id.size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError("request_id must have at most 128 bytes");
  }
  for (const SwitchRecord& record : records_) {
    if (request.request_id.empty() || record.request_id != request.request_id) continue;
    const bool same_workers = request.workers == 0 || request.workers == record.workers;
    if (record.to == request.target && same_workers) {
      return absl::OkStatus();  // a retry: answered from the record
    }
    return absl::InvalidArgumentError(
        absl::StrFormat("request_id '%s' was used for another switch, to %s; choose a new one",
                        request.request_id, ModeName(record.to)));
  }
  if (request.expected_generation && *request.expected_generation != active_->number()) {
    return absl::AbortedError(absl::StrFormat(
        "generation %d is in force (mode %s), not %d: somebody switched; look, then try again",
        active_->number(), ModeName(active_->mode()), *request.expected_generation));
  }
  return absl::OkStatus();
}

absl::Status ModeSwitcher::CheckWorkers(const SwitchRequest& request) const {
  if (request.workers == 0) return absl::OkStatus();
  if (!HasWorkers(request.target)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "mode %s has no workers to choose; leave workers out", ModeName(request.target)));
  }
  const auto most = static_cast<int64_t>(context_.options.cpus.size());
  if (request.workers > 0 && request.workers <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "workers must be from 1 to %d, the CPUs that serve, not %d", most, request.workers));
}

bool ModeSwitcher::IsInForce(const SwitchRequest& request) const {
  const ActiveMode in_force = active();
  return in_force.mode == request.target &&
         (request.workers == 0 || request.workers == in_force.workers);
}

std::optional<SwitchRecord> ModeSwitcher::FindRequest(const std::string& request_id) const {
  if (request_id.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (const SwitchRecord& record : records_) {
    if (record.request_id == request_id) return record;
  }
  return std::nullopt;
}

SwitchRecord ModeSwitcher::Unmade(const SwitchRequest& request, SwitchRecord::State state) const {
  const std::lock_guard lock(mutex_);
  SwitchRecord record;
  record.state = state;
  record.from = active_->mode();
  record.to = request.target;
  record.generation = active_->number();
  record.workers = active_->workers();
  record.request_id = request.request_id;
  record.requested_by = request.requested_by;
  record.requested_at = std::chrono::system_clock::now();
  return record;
}

SwitchRecord ModeSwitcher::Publish(std::unique_ptr<Generation> candidate, SwitchRecord record) {
  const std::lock_guard lock(mutex_);
  record.id = ++last_id_;
  records_.push_back(record);
  if (records_.size() > kMaxSwitchRecords) records_.pop_front();
  retired_.push_back(std::exchange(active_, std::move(candidate)));
  return record;
}

void ModeSwitcher::Complete(int64_t id, const Engine::Counts& at_stop, const Engine::Counts& at_end,
                            wire::Duration drain_time) {
  const std::lock_guard lock(mutex_);
  for (SwitchRecord& record : records_) {
    if (record.id != id) continue;
    record.state = SwitchRecord::State::kCompleted;
    record.drain_time = drain_time;
    record.finished = at_end.completed - at_stop.completed;
    record.failed = at_end.failed - at_stop.failed;
    record.handed_over = at_end.handed_over - at_stop.handed_over;
    record.lost = at_end.in_flight();
    spdlog::info(
        "switch {}: {} is gone after {:.3f} ms: {} finished, {} failed, {} handed over, {} lost",
        id, ModeName(record.from), Milliseconds(drain_time), record.finished, record.failed,
        record.handed_over, record.lost);
  }
}

std::vector<ModeSwitcher::Generation*> ModeSwitcher::Retired() {
  const std::lock_guard lock(mutex_);
  // Destroying what is gone only joins a thread that has ended.
  retired_.remove_if([](const std::unique_ptr<Generation>& retired) { return retired->gone(); });
  std::vector<Generation*> alive;
  for (const std::unique_ptr<Generation>& retired : retired_) alive.push_back(retired.get());
  return alive;  // only the holder of the slot removes from the list, so they stay
}

void ModeSwitcher::LimitRetired() {
  const std::vector<Generation*> alive = Retired();
  for (size_t i = 0; i + kMaxRetired < alive.size(); ++i) alive[i]->AwaitGone(wire::Clock::now());
}

void ModeSwitcher::HurryOldest() {
  const std::vector<Generation*> alive = Retired();
  for (size_t i = 0; i + kMaxDraining <= alive.size(); ++i) alive[i]->Hurry();
}

absl::StatusOr<SwitchRecord> ModeSwitcher::Get(int64_t id) const {
  const std::lock_guard lock(mutex_);
  for (const SwitchRecord& record : records_) {
    if (record.id == id) return record;
  }
  if (last_id_ == 0) return absl::NotFoundError("no switch was made yet");
  return absl::NotFoundError(absl::StrFormat("no switch %d: %d were made, and the last %d are kept",
                                             id, last_id_, kMaxSwitchRecords));
}

std::vector<SwitchRecord> ModeSwitcher::List() const {
  const std::lock_guard lock(mutex_);
  return {records_.rbegin(), records_.rend()};
}

ActiveMode ModeSwitcher::active() const {
  const std::lock_guard lock(mutex_);
  return {.mode = active_->mode(), .generation = active_->number(), .workers = active_->workers()};
}

bool ModeSwitcher::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

int64_t ModeSwitcher::draining_count() const {
  const std::lock_guard lock(mutex_);
  return std::count_if(retired_.begin(), retired_.end(),
                       [](const std::unique_ptr<Generation>& g) { return !g->gone(); });
}

void ModeSwitcher::StopTaking() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::lock_guard slot(slot_);  // a switch that is being made comes to its end first
  active_->engine().StopTaking();
}

void ModeSwitcher::Drain(wire::TimePoint deadline) {
  active_->Retire(deadline, [](const Engine::Counts&) {});
  active_->AwaitGone(deadline);
  for (const std::unique_ptr<Generation>& retired : retired_) retired->AwaitGone(deadline);
}

}  // namespace handshake::server

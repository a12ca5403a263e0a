#include "client/load_run.h"

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/load_series.h"
#include "client/load_worker.h"
#include "client/proof.h"
#include "client/rate_stage.h"
#include "client/spec_check.h"
#include "client/stop_rules.h"
#include "client/window_judge.h"
#include "common/stats/kernel_counters.h"
#include "common/stats/process_usage.h"
#include "common/text/duration.h"
#include "common/wire/message.h"

namespace handshake::client {
namespace {

using wire::Clock;
using wire::TimePoint;

constexpr int64_t kMostConcurrency = 1'000'000;
constexpr int64_t kMostThreads = 256;
constexpr int64_t kClientsPerThread = 1'000;
constexpr std::chrono::hours kLongest{24 * 30};
constexpr std::chrono::hours kLongestThinkTime{1};
constexpr size_t kMostStages = 100;
constexpr int64_t kMostSamples = 10'000;  // about 500 KB a thread
// Between two looks at a run, which the series, stop rules and stop_if go by.
constexpr std::chrono::seconds kSampleInterval{1};
constexpr double kRatePerThread = 10'000;  // a half of what one can
// What is chosen for max_in_flight.
constexpr double kFewestInFlight = 100;
constexpr double kMostInFlight = 10'000;
// Descriptors: each worker's epoll and eventfd; what the process opens while the run goes on.
constexpr int64_t kDescriptorsPerThread = 2;
constexpr int64_t kSpareDescriptors = 32;

absl::Status CheckOpen(const OpenLoop& open) {
  if (open.stages.size() > kMostStages) return Invalid("at most %d stages", kMostStages);
  for (const RateStage& stage : open.stages) {
    if (const auto valid = ParseRateStage(FormatRateStage(stage)); !valid.ok()) {
      return valid.status();
    }
  }
  if (!open.stages.empty()) {
    if (open.rate != 0) return Invalid("stages or a rate, not both");
    if (open.peak() == 0) return Invalid("one stage at least must have a rate above 0");
  } else if (!(open.rate > 0 && open.rate <= kMostRate)) {
    return Invalid("the rate must be above 0 and at most %g a second, not %g", kMostRate,
                   open.rate);
  }
  if (open.max_in_flight < 0 || open.max_in_flight > kMostConcurrency) {
    return Invalid("the most in flight must be from 1 to %d, or 0 for automatic, not %d",
                   kMostConcurrency, open.max_in_flight);
  }
  return absl::OkStatus();
}

absl::Status CheckClosed(const LoadSpec& spec) {
  if (spec.concurrency < 1 || spec.concurrency > kMostConcurrency) {
    return Invalid("concurrency must be from 1 to %d, not %d", kMostConcurrency, spec.concurrency);
  }
  if (spec.think_time.count() < 0 || spec.think_time > kLongestThinkTime) {
    return Invalid("the think time must be from 0 to %d h", kLongestThinkTime.count());
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(const LoadSpec& spec) {
  if (!spec.duration && !spec.count) return Invalid("give a duration, a count, or both");
  if (spec.duration && (spec.duration->count() <= 0 || *spec.duration > kLongest)) {
    return Invalid("the duration must be above 0 and at most %d h", kLongest.count());
  }
  if (spec.open && !spec.open->stages.empty() &&
      spec.duration != RateProfile(spec.open->stages).length()) {
    return Invalid("stages say how long the run is: give no other duration");
  }
  if (spec.warmup.count() < 0 || spec.warmup >= spec.duration.value_or(kLongest)) {
    return Invalid("the warm-up must be from 0 to less than the run");
  }
  return absl::OkStatus();
}

// Each condition must have a chance.
absl::Status CheckWindows(const LoadSpec& spec) {
  if (!spec.duration) return absl::OkStatus();
  const std::chrono::nanoseconds judged = *spec.duration - spec.warmup;
  for (const Condition& condition : spec.stop_if) {
    if (StopWindowOf(condition) < judged) continue;
    return Invalid(
        "stop condition '%s' is judged each %s behind the warm-up: the duration must be longer "
        "than that",
        condition.text, text::FormatDuration(StopWindowOf(condition)));
  }
  for (const Condition& condition : spec.fail_if) {
    if (!condition.over || *condition.over <= judged) continue;
    return Invalid("condition '%s' needs a duration of at least that behind the warm-up",
                   condition.text);
  }
  return absl::OkStatus();
}

absl::Status CheckSpec(const LoadSpec& spec) {
  const absl::Status loop = spec.open ? CheckOpen(*spec.open) : CheckClosed(spec);
  if (!loop.ok()) return loop;
  if (absl::Status times = CheckTimes(spec); !times.ok()) return times;
  if (absl::Status windows = CheckWindows(spec); !windows.ok()) return windows;
  if (spec.count && *spec.count < 1) return Invalid("the count must be at least 1");
  if (spec.threads < 0 || spec.threads > kMostThreads) {
    return Invalid("threads must be from 1 to %d, or 0 for automatic", kMostThreads);
  }
  if (spec.source_addresses < 0 || spec.source_addresses > SourceAddresses::kMost) {
    return Invalid("source addresses must be from 1 to %d, or 0 for automatic",
                   SourceAddresses::kMost);
  }
  if (spec.first_sequence > wire::kMaxSequence) {
    return Invalid("the first sequence must be at most %d", wire::kMaxSequence);
  }
  if (spec.samples < 0 || spec.samples > kMostSamples || spec.sample_stride < 1) {
    return Invalid("samples must be from 0 to %d, of each X of a stride from 1", kMostSamples);
  }
  return CheckPeer(spec.target, spec.handshake, spec.connect_timeout);
}

// At least one thread, and no more than there are places.
int64_t ThreadsFor(const LoadSpec& spec) {
  int64_t threads = spec.threads;
  if (threads == 0) {
    const int64_t wanted = spec.open ? static_cast<int64_t>(spec.open->peak() / kRatePerThread) + 1
                                     : (spec.concurrency - 1) / kClientsPerThread + 1;
    threads = std::min(wanted, std::max<int64_t>(std::thread::hardware_concurrency(), 1));
  }
  return std::min(threads, spec.most_at_once());
}

// What will be open without a connection of a run that has not started.
int64_t OtherDescriptors(const stats::ProcessUsage& usage, int64_t threads) {
  return usage.open_fd_count + threads * kDescriptorsPerThread + kSpareDescriptors;
}

// The spec with the duration that its stages give.
LoadSpec WithDuration(LoadSpec spec) {
  if (spec.open && !spec.open->stages.empty() && !spec.duration) {
    spec.duration = RateProfile(spec.open->stages).length();
  }
  return spec;
}

// The spec with what it leaves to choose.
LoadSpec WithMaxInFlight(LoadSpec spec) {
  if (!spec.open || spec.open->max_in_flight != 0) return spec;
  OpenLoop& open = *spec.open;
  const double wanted = std::clamp(std::ceil(open.peak()), kFewestInFlight, kMostInFlight);
  open.max_in_flight = static_cast<int64_t>(wanted);
  const stats::ProcessUsage usage = stats::ReadProcessUsage();
  const int64_t room = usage.fd_limit - OtherDescriptors(usage, ThreadsFor(spec));
  open.max_in_flight = std::clamp<int64_t>(room, 1, open.max_in_flight);
  return spec;
}

// And of one that goes on. own: read before `usage`, so that what it has opened since counts as
// others'.
int64_t OtherDescriptors(const stats::ProcessUsage& usage, const LoadReport& own) {
  const int64_t open = own.in_flight + own.left_out.in_flight;
  return std::max<int64_t>(usage.open_fd_count - open, 0) + kSpareDescriptors;
}

// other: what is open without a connection of this run.
absl::Status CheckDescriptors(const LoadSpec& spec, const stats::ProcessUsage& usage,
                              int64_t other) {
  const int64_t needed = other + spec.most_at_once();
  if (usage.fd_limit >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%d connections at once need a limit of %d open files, it is %d; run 'ulimit -n %d' first or "
      "lower %s",
      spec.most_at_once(), needed, usage.fd_limit, needed,
      spec.open ? "the most in flight" : "the concurrency"));
}

// The handshakes that made sure of the target; if none was answered, they are what the run did.
void AddTo(LoadReport& report, const Proof& proof, bool open) {
  Outcomes outcomes = {.started = proof.connects, .ended = proof.ended};
  outcomes.in_flight = std::exchange(outcomes.ended[static_cast<size_t>(wire::Verdict::kNone)], 0);
  if (proof.proven) return report.left_out.Add(outcomes);
  report.started = outcomes.started;
  if (open) report.planned = outcomes.started;
  report.ended = outcomes.ended;
  report.in_flight = outcomes.in_flight;
}

}  // namespace

void Outcomes::Add(const Outcomes& others) {
  started += others.started;
  for (size_t i = 0; i < ended.size(); ++i) ended[i] += others.ended[i];
  in_flight += others.in_flight;
}

LoadReport::LoadReport()
    : intended(stats::kLoadLatencyLayout),
      send_lag(stats::kLoadLatencyLayout),
      handshake(stats::kLoadLatencyLayout),
      connect(stats::kLoadLatencyLayout),
      reply(stats::kLoadLatencyLayout),
      close(stats::kLoadLatencyLayout) {}

LoadReport LoadReport::Since(const LoadReport& earlier) const {
  LoadReport since = *this;
  since.measured -= earlier.measured;
  since.paused_time -= earlier.paused_time;
  since.started -= earlier.started;
  since.planned -= earlier.planned;
  since.dropped -= earlier.dropped;
  for (size_t i = 0; i < ended.size(); ++i) since.ended[i] -= earlier.ended[i];
  since.intended = intended.Since(earlier.intended);
  since.handshake = handshake.Since(earlier.handshake);
  return since;
}

int64_t LoadReport::failed() const {
  return std::accumulate(ended.begin(), ended.end(), int64_t{0}) - ok();
}

namespace {

struct MachineCounters {
  stats::CpuTicks cpu;
  stats::RetransmitCounters retransmits;
};

MachineCounters ReadMachineCounters() {
  return {.cpu = stats::ReadCpuTicks(), .retransmits = stats::ReadRetransmitCounters()};
}

}  // namespace

struct LoadRun::Impl {
  explicit Impl(const LoadSpec& spec) : plan(spec), judge(spec) {
    plan.on_spent = [this] { WakeAll(); };
  }
  ~Impl() { Join(); }

  absl::Status OpenWorkers(int64_t count);
  absl::Status StartThreads();
  void RunWorker(LoadWorker& worker);
  LoadReport Report() const;
  void AddMachine(LoadReport& report) const;
  std::vector<std::string> Breaches(const LoadReport& report) const;
  absl::Status Change(const LoadChange& change);
  // On a thread of its own: makes sure of the target, lets the workers begin, and watches the run.
  void Conduct();
  // The run begins, or ends here if the target is not proven.
  bool Begin(const Proof& proof);
  // Judges the run each second, and takes a look at each whole one behind the warm-up.
  void Watch();
  // At `time`, a whole second of the run, or shortly after.
  void Observe(TimePoint time);
  // False: not before `time`.
  bool EndsBefore(TimePoint time) const;
  // What was measured since the last look, into the series; judges the windows that are over, and
  // ends the run if a condition of stop_if held.
  void Look();
  // The last look; then the run has ended.
  void End();
  Vitals ReadVitals() const;
  // Nothing new is begun. `why` is put where it belongs, unless the run is over anyway.
  void Stop(std::string& where, const std::string& why);
  void Cancel();
  void WakeAll();
  void Join();

  LoadPlan plan;
  std::vector<std::unique_ptr<LoadWorker>> workers;
  std::vector<std::thread> threads;
  std::thread conductor;
  net::WakeEvent cut_proof;         // raised by Cancel()
  std::atomic<size_t> running = 0;  // workers

  mutable std::mutex sample_mutex;  // taken before `mutex`
  LoadSeries series;                // guarded by sample_mutex, as `looked`
  LoadReport looked;                // at the last look
  WindowJudge judge;                // the same

  mutable std::mutex mutex;
  mutable std::condition_variable advanced;
  // All guarded by mutex.
  std::optional<Proof> proof;      // once there is one: the run has begun, or ended
  std::optional<TimePoint> ended;  // once no worker runs
  std::optional<MachineCounters> warmup_end;
  std::optional<MachineCounters> run_end;
  bool cancelled = false;
  std::string stopped_by;
  std::string given_up;
};

absl::Status LoadRun::Impl::OpenWorkers(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<LoadWorker>(plan, i, count));
    if (absl::Status status = workers.back()->Open(); !status.ok()) return status;
  }
  return cut_proof.Open();
}

absl::Status LoadRun::Impl::StartThreads() {
  running = workers.size();
  try {
    for (const auto& worker : workers) {
      threads.emplace_back([this, &worker = *worker] { RunWorker(worker); });
    }
    conductor = std::thread([this] { Conduct(); });
  } catch (const std::system_error& error) {
    Begin({});  // lets go of those that wait for it
    return absl::ResourceExhaustedError(
        absl::StrFormat("thread %d of %d cannot be started: %s; use fewer threads",
                        threads.size() + 1, workers.size(), error.what()));
  }
  return absl::OkStatus();
}

void LoadRun::Impl::RunWorker(LoadWorker& worker) {
  {
    std::unique_lock lock(mutex);
    advanced.wait(lock, [this] { return proof.has_value(); });
    if (ended) return;
  }
  worker.Run();
  if (--running == 0) End();
}

void LoadRun::Impl::End() {
  const std::lock_guard look(sample_mutex);
  const LoadReport last = Report();
  LoadPoint rest = PointBetween(looked, last);
  if (rest.length.count() > 0) series.AddRest(std::move(rest));
  judge.Look(last);
  const std::lock_guard lock(mutex);
  run_end = ReadMachineCounters();
  ended = plan.started + last.elapsed;
  advanced.notify_all();
}

void LoadRun::Impl::Conduct() {
  prctl(PR_SET_NAME, "load-conductor");
  if (Begin(ProveTarget(plan.spec, cut_proof))) Watch();
}

bool LoadRun::Impl::Begin(const Proof& found) {
  const std::lock_guard lock(mutex);
  proof = found;
  plan.started = Clock::now();
  plan.count_from = plan.started + plan.spec.warmup;
  if (plan.spec.duration) plan.stop_at = plan.started + *plan.spec.duration;
  if (!found.proven || plan.cancelled) {
    ended = plan.started;
    if (!plan.cancelled) {
      given_up =
          absl::StrFormat("no correct answer from %s in %d connect%s", plan.spec.target.ToString(),
                          found.connects, found.connects == 1 ? "" : "s");
    }
  }
  advanced.notify_all();
  return !ended.has_value();
}

LoadReport LoadRun::Impl::Report() const {
  LoadReport report;
  {
    std::lock_guard lock(mutex);
    report.done = ended.has_value();
    report.cancelled = cancelled;
    report.stopped_by = stopped_by;
    report.given_up = given_up;
    if (proof) AddTo(report, *proof, plan.spec.open.has_value());
    if (proof) report.elapsed = ended.value_or(Clock::now()) - plan.started;
    report.measured = std::max<std::chrono::nanoseconds>(report.elapsed - plan.spec.warmup,
                                                         std::chrono::nanoseconds(0));
  }
  for (const auto& worker : workers) worker->AddTo(report);
  report.peak_connections = plan.peak_standing.load(std::memory_order_relaxed);
  report.threads = static_cast<int64_t>(workers.size());
  plan.control.AddTo(report);
  AddMachine(report);
  return report;
}

void LoadRun::Impl::AddMachine(LoadReport& report) const {
  std::lock_guard lock(mutex);
  if (!warmup_end) return;
  const MachineCounters now = run_end ? *run_end : ReadMachineCounters();
  report.stolen_cpu_share = stats::StolenShare(warmup_end->cpu, now.cpu);
  report.retransmitted_segments = now.retransmits.segments - warmup_end->retransmits.segments;
  report.retransmitted_syns = now.retransmits.syns - warmup_end->retransmits.syns;
}

std::vector<std::string> LoadRun::Impl::Breaches(const LoadReport& report) const {
  std::vector<std::string> breaches;
  const std::vector<Condition>& conditions = plan.spec.fail_if;
  for (size_t i = 0; i < conditions.size(); ++i) {
    if (conditions[i].over) {
      if (const auto breach = judge.BreachOf(i)) breaches.push_back(*breach);
    } else if (Holds(conditions[i], report).value_or(true)) {
      breaches.push_back(Explain(conditions[i], report));
    }
  }
  return breaches;
}

absl::Status LoadRun::Impl::Change(const LoadChange& change) {
  LoadSpec changed = plan.spec;
  if (change.rate && changed.open && changed.open->stages.empty())
    changed.open->rate = *change.rate;
  if (change.concurrency && !changed.open) changed.concurrency = *change.concurrency;
  if (absl::Status status = CheckSpec(changed); !status.ok()) return status;
  if (change.concurrency) {
    const LoadReport own = Report();
    const stats::ProcessUsage usage = stats::ReadProcessUsage();
    const absl::Status fits = CheckDescriptors(changed, usage, OtherDescriptors(usage, own));
    if (!fits.ok()) return fits;
  }
  const std::lock_guard lock(mutex);
  if (ended || plan.cancelled) return absl::FailedPreconditionError("the run has ended");
  const auto now = proof ? Clock::now() - plan.started : std::chrono::nanoseconds(0);
  const absl::Status status = plan.control.Change(change, now);
  if (status.ok()) WakeAll();
  return status;
}

void LoadRun::Impl::Watch() {
  StopRules rules(plan.spec.target);
  // So that a second begins where the warm-up ends.
  TimePoint next = plan.started + plan.spec.warmup % kSampleInterval;
  if (EndsBefore(next)) return;
  Observe(next);
  while (true) {
    const TimePoint now = Clock::now();
    do next += kSampleInterval;
    while (next <= now);  // the machine stood still
    if (EndsBefore(next)) return;
    const std::string why = rules.Judge(ReadVitals());
    if (!why.empty()) Stop(given_up, why);
    Observe(next);
  }
}

void LoadRun::Impl::Observe(TimePoint time) {
  if (time < plan.count_from) return;
  {
    const std::lock_guard lock(mutex);
    if (!warmup_end) warmup_end = ReadMachineCounters();
  }
  if (time > plan.count_from) Look();
}

bool LoadRun::Impl::EndsBefore(TimePoint time) const {
  std::unique_lock lock(mutex);
  return advanced.wait_until(lock, time, [this] { return ended.has_value(); });
}

void LoadRun::Impl::Look() {
  const std::lock_guard look(sample_mutex);
  LoadReport now = Report();
  if (now.done) return;
  series.Add(PointBetween(looked, now));
  const std::optional<std::string> stop = judge.Look(now);
  looked = std::move(now);
  if (stop) Stop(stopped_by, *stop);
}

Vitals LoadRun::Impl::ReadVitals() const {
  Vitals vitals;
  for (const auto& worker : workers) worker->AddTo(vitals);
  return vitals;
}

void LoadRun::Impl::Stop(std::string& where, const std::string& why) {
  std::lock_guard lock(mutex);
  if (ended || plan.cancelled) return;
  where = why;
  plan.control.Note("stopped: " + why, Clock::now() - plan.started);
  plan.cancelled = true;
  WakeAll();
}

void LoadRun::Impl::Cancel() {
  std::lock_guard lock(mutex);
  if (ended || plan.cancelled) return;
  cancelled = true;
  plan.cancelled = true;
  cut_proof.Raise();
  WakeAll();
}

void LoadRun::Impl::WakeAll() {
  for (const auto& worker : workers) worker->Wake();
}

void LoadRun::Impl::Join() {
  Cancel();
  for (std::thread& thread : threads) thread.join();
  if (conductor.joinable()) conductor.join();
}

LoadRun::LoadRun(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoadRun::~LoadRun() = default;

absl::StatusOr<std::unique_ptr<LoadRun>> LoadRun::Start(const LoadSpec& asked) {
  const LoadSpec timed = WithDuration(asked);
  if (absl::Status status = CheckSpec(timed); !status.ok()) return status;
  const LoadSpec spec = WithMaxInFlight(timed);
  const int64_t threads = ThreadsFor(spec);
  const stats::ProcessUsage usage = stats::ReadProcessUsage();
  auto impl = std::make_unique<Impl>(spec);
  if (absl::Status status = CheckDescriptors(spec, usage, OtherDescriptors(usage, threads));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = impl->OpenWorkers(threads); !status.ok()) return status;
  if (absl::Status status = impl->StartThreads(); !status.ok()) return status;
  return std::unique_ptr<LoadRun>(new LoadRun(std::move(impl)));
}

const LoadSpec& LoadRun::spec() const { return impl_->plan.spec; }

LoadReport LoadRun::Report() const {
  LoadReport report = impl_->Report();
  report.judgement = Judge(spec(), report);
  report.shortfall = ShortfallOf(spec(), report);
  if (report.done) report.breaches = impl_->Breaches(report);
  return report;
}

absl::Status LoadRun::Change(const LoadChange& change) { return impl_->Change(change); }

LoadSeries LoadRun::Series() const {
  const std::lock_guard look(impl_->sample_mutex);
  return impl_->series;
}

std::vector<HandshakeSample> LoadRun::Samples() const {
  std::vector<HandshakeSample> samples;
  if (!WaitFor(std::chrono::nanoseconds(0))) return samples;
  for (const auto& worker : impl_->workers) {
    samples.insert(samples.end(), worker->samples().begin(), worker->samples().end());
  }
  return samples;
}

wire::TimePoint LoadRun::started() const { return impl_->plan.started; }

void LoadRun::Cancel() { impl_->Cancel(); }

bool LoadRun::WaitFor(std::chrono::nanoseconds timeout) const {
  // A longer wait would overflow the clock.
  const std::chrono::nanoseconds bounded = std::min<std::chrono::nanoseconds>(timeout, kLongest);
  std::unique_lock lock(impl_->mutex);
  return impl_->advanced.wait_for(lock, bounded, [this] { return impl_->ended.has_value(); });
}

}  // namespace handshake::client

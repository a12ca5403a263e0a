#include "client/load_worker.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "client/dial.h"
#include "client/handshake_io.h"

namespace handshake::client {
namespace {

using wire::Clock;
using wire::Need;
using wire::Verdict;

// A client that could not connect waits this long before it tries again: a dead target costs ten
// attempts a second a client, not a core.
constexpr std::chrono::milliseconds kBackOff{100};
// At the end of a run, for the handshakes that are under way.
constexpr std::chrono::seconds kGrace{1};
// New clients, or arrivals, a turn of the loop: the first ones are served while the last ones
// connect, and the target's accept queue is not overrun.
constexpr uint32_t kFreshPerTurn = 64;
// Of a worker that must act at planned times: the kernel's own 50 us would be half of its lag.
constexpr unsigned long kTimerSlackNs = 1;

constexpr uint64_t kWakeTag = std::numeric_limits<uint64_t>::max();

bool MustBackOff(Verdict verdict) {
  return verdict == Verdict::kConnectRefused || verdict == Verdict::kConnectTimeout ||
         verdict == Verdict::kUnreachable || verdict == Verdict::kNoLocalResource;
}

// X of a handshake; behind the largest comes the smallest.
int64_t SequenceOf(int64_t first, int64_t ticket) {
  const uint64_t up_to_largest =
      static_cast<uint64_t>(wire::kMaxSequence) - static_cast<uint64_t>(first);
  const auto steps = static_cast<uint64_t>(ticket);
  if (steps <= up_to_largest) return static_cast<int64_t>(static_cast<uint64_t>(first) + steps);
  constexpr auto kSmallest = static_cast<uint64_t>(std::numeric_limits<int64_t>::min());
  return static_cast<int64_t>(kSmallest + (steps - up_to_largest - 1));
}

std::chrono::nanoseconds ReadClock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The first ones have one more if they do not divide evenly.
size_t ShareOf(int64_t total, int64_t share, int64_t shares) {
  return static_cast<size_t>(total / shares + (share < total % shares));
}

}  // namespace

LoadPlan::LoadPlan(const LoadSpec& the_spec)
    : spec(the_spec),
      sources(the_spec.target, the_spec.most_at_once(), the_spec.source_addresses),
      control(the_spec) {}

LoadWorker::LoadWorker(LoadPlan& plan, int64_t share, int64_t shares)
    : plan_(plan),
      share_(share),
      shares_(shares),
      wheel_(Clock::now()),
      clients_(ShareOf(plan.spec.most_at_once(), share, shares)) {
  free_.reserve(clients_.size());
  ready_.reserve(clients_.size());
  beginning_.reserve(clients_.size());
  samples_.reserve(static_cast<size_t>(plan.spec.samples));
  if (!plan.spec.open) return;
  profile_ = plan.control.settings().profile;
  pacer_.emplace(*profile_, plan.spec.open->arrivals, plan.spec.open->seed, share, shares);
}

absl::Status LoadWorker::Open() {
  if (absl::Status status = reactor_.Open(); !status.ok()) return status;
  if (absl::Status status = wake_.Open(); !status.ok()) return status;
  if (const int error = reactor_.Watch(wake_.fd(), kWakeTag, net::Reactor::kReadable)) {
    return absl::ErrnoToStatus(error, "epoll_ctl");
  }
  return absl::OkStatus();
}

void LoadWorker::Run() {
  clockid_t clock{};
  const bool clocked = pthread_getcpuclockid(pthread_self(), &clock) == 0;
  {
    std::lock_guard lock(cpu_mutex_);
    if (clocked) cpu_clock_ = clock;
  }
  if (pacer_) prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  Loop();
  std::lock_guard lock(cpu_mutex_);
  if (clocked) cpu_ = ReadClock(clock);
  cpu_clock_.reset();
}

void LoadWorker::AddTo(LoadReport& report) const {
  tally_.AddTo(report);
  std::lock_guard lock(cpu_mutex_);  // the thread does not end while its clock is read
  if (warmup_cpu_) report.cpu += (cpu_clock_ ? ReadClock(*cpu_clock_) : cpu_) - *warmup_cpu_;
}

void LoadWorker::EndWarmup() {
  warming_up_ = false;
  std::lock_guard lock(cpu_mutex_);
  warmup_cpu_ = cpu_clock_ ? ReadClock(*cpu_clock_) : std::chrono::nanoseconds(0);
}

void LoadWorker::Loop() {
  while (true) {
    if (warming_up_ && Clock::now() >= plan_.count_from) EndWarmup();
    FollowControl();
    if (!beginning_ended_) pacer_ ? BeginDue() : BeginReady();
    if (Spent() && !beginning_ended_) EndBeginning();
    if (beginning_ended_ && working_ == 0) return;
    const TimePoint look = NextLook();
    const auto events = pacer_ ? reactor_.WaitPrecisely(look) : reactor_.Wait(look);
    for (const net::Reactor::Event& event : events) OnEvent(event);
    const TimePoint now = Clock::now();
    while (const std::optional<uint32_t> id = wheel_.TakeDue(now)) OnDue(*id);
    const bool over = plan_.cancelled || (plan_.stop_at && now >= *plan_.stop_at);
    if (over && !give_up_at_) StopBeginning(now);
    if (give_up_at_ && now >= *give_up_at_) GiveUp();
  }
}

LoadWorker::TimePoint LoadWorker::NextLook() const {
  if (!ready_.empty() || (!beginning_ended_ && working_ < wanted_)) return Clock::now();
  TimePoint look = next_arrival_.value_or(TimePoint::max());
  if (warming_up_) look = std::min(look, plan_.count_from);
  if (const std::optional<TimePoint> due = wheel_.NextDue()) look = std::min(look, *due);
  if (give_up_at_) {
    look = std::min(look, *give_up_at_);
  } else if (plan_.stop_at) {
    look = std::min(look, *plan_.stop_at);
  }
  return look;
}

void LoadWorker::FollowControl() {
  const uint64_t version = plan_.control.version();
  if (version == control_version_) return;
  control_version_ = version;
  const LoadSettings settings = plan_.control.settings();
  if (pacer_) {
    pacer_->Follow(*settings.profile);
    profile_ = settings.profile;
    if (!beginning_ended_) NoteNextArrival();
    return;
  }
  wanted_ = ShareOf(settings.concurrency, share_, shares_);
  if (wanted_ > clients_.size()) clients_.resize(wanted_);
}

void LoadWorker::BeginReady() {
  // One that ends at once is ready again for the next turn, not for this one.
  std::swap(ready_, beginning_);
  for (uint32_t n = 0; n < kFreshPerTurn && working_ < wanted_; ++n) {
    beginning_.push_back(*TakePlace());  // there are as many as are wanted
  }
  for (const uint32_t id : beginning_) BeginNext(id);
  beginning_.clear();
}

void LoadWorker::BeginDue() {
  for (uint32_t n = 0; n < kFreshPerTurn && next_arrival_; ++n) {
    if (*next_arrival_ > Clock::now() || Spent()) return;
    const TimePoint intended = *next_arrival_;
    pacer_->Advance();
    NoteNextArrival();
    Arrive(intended);
  }
}

void LoadWorker::Arrive(TimePoint intended) {
  const bool counted = intended >= plan_.count_from;
  const std::optional<uint32_t> id = TakePlace();
  if (!id) {
    if (!counted) return;
    tally_.CountPlanned();
    return tally_.CountDropped();
  }
  clients_[*id].intended = intended;
  const std::optional<int64_t> ticket = TakeTicket();
  if (!ticket) return FreePlace(*id);  // another worker had the last
  if (counted) tally_.CountPlanned();
  Begin(*id, *ticket);
}

std::optional<uint32_t> LoadWorker::TakePlace() {
  if (free_.empty() && fresh_ == clients_.size()) return std::nullopt;
  ++working_;
  if (free_.empty()) return fresh_++;
  const uint32_t id = free_.back();
  free_.pop_back();
  return id;
}

void LoadWorker::FreePlace(uint32_t id) {
  clients_[id].phase = Phase::kFree;
  free_.push_back(id);
  --working_;
}

void LoadWorker::NoteNextArrival() {
  const std::optional<std::chrono::nanoseconds> time = pacer_->Due();
  next_arrival_ = time ? std::optional(plan_.started + *time) : std::nullopt;
}

std::optional<int64_t> LoadWorker::TakeTicket() {
  const int64_t ticket = plan_.next_ticket.fetch_add(1, std::memory_order_relaxed);
  if (!plan_.spec.count || ticket < *plan_.spec.count - 1) return ticket;
  if (ticket >= *plan_.spec.count) return std::nullopt;
  plan_.on_spent();
  return ticket;
}

bool LoadWorker::Spent() const {
  return plan_.spec.count && plan_.next_ticket.load(std::memory_order_relaxed) >= *plan_.spec.count;
}

void LoadWorker::BeginNext(uint32_t id) {
  if (working_ > wanted_) return FreePlace(id);
  if (const std::optional<int64_t> ticket = TakeTicket()) return Begin(id, *ticket);
  FreePlace(id);
}

void LoadWorker::Begin(uint32_t id, int64_t ticket) {
  Client& client = clients_[id];
  client.sequence = SequenceOf(plan_.spec.first_sequence, ticket);
  client.phase = Phase::kConnecting;
  client.started = Clock::now();
  client.counted = (pacer_ ? client.intended : client.started) >= plan_.count_from;
  tally_.CountStarted(client.counted);
  if (client.counted && pacer_) tally_.RecordSendLag(client.started - client.intended);
  Dialled dialled = StartConnect(plan_.spec.target, plan_.sources.For(ticket));
  if (dialled.error != 0) return End(id, VerdictOfConnectError(dialled.error));
  client.fd = std::move(dialled.fd);
  ContinueConnect(id);  // on loopback it usually stands already
}

void LoadWorker::OnEvent(const net::Reactor::Event& event) {
  if (event.tag == kWakeTag) {
    wake_.Clear();
    return;  // the loop looks around
  }
  const auto id = static_cast<uint32_t>(event.tag);
  const Client& client = clients_[id];
  if (client.generation != static_cast<uint32_t>(event.tag >> 32)) return;
  if (client.phase == Phase::kConnecting) {
    ContinueConnect(id);
  } else if (client.phase == Phase::kTalking) {
    Converse(id, true);
  }
}

void LoadWorker::OnDue(uint32_t id) {
  Client& client = clients_[id];
  switch (client.phase) {
    case Phase::kResting:
      client.phase = Phase::kReady;
      ready_.push_back(id);
      break;
    case Phase::kConnecting:
      End(id, Verdict::kConnectTimeout);
      break;
    case Phase::kTalking:
      Converse(id, true);  // what arrived in time counts
      if (client.phase != Phase::kTalking) break;
      client.handshake->OnTime(Clock::now());
      Converse(id, false);
      break;
    case Phase::kFree:
    case Phase::kReady:
      break;
  }
}

void LoadWorker::ContinueConnect(uint32_t id) {
  Client& client = clients_[id];
  const int error = ConnectProgress(client.fd.get(), plan_.spec.target);
  if (error == EALREADY) {
    const auto timeout = plan_.spec.connect_timeout;
    return Await(id, net::Reactor::kWritable, client.started + timeout);
  }
  if (error != 0) return End(id, VerdictOfConnectError(error));
  client.established = Clock::now();
  client.phase = Phase::kTalking;
  client.handshake.emplace(plan_.spec.handshake, client.sequence, client.established);
  CountStanding();
  Converse(id, false);
}

void LoadWorker::Converse(uint32_t id, bool may_read) {
  Client& client = clients_[id];
  wire::ClientHandshake& handshake = *client.handshake;
  while (handshake.need() != Need::kEnd) {
    // An answer takes a round trip: reading behind a write would come too early.
    const bool reads = handshake.need() == Need::kRead;
    const wire::Stage before = handshake.stage();
    const bool stepped = (!reads || may_read) && TakeStep(handshake, client.fd.get());
    if (!stepped) {
      const bool writes = handshake.need() == Need::kWrite;
      const uint32_t what = writes ? net::Reactor::kWritable : net::Reactor::kReadable;
      return Await(id, what, handshake.deadline());
    }
    if (reads) may_read = false;
    NoteStage(client, before);
  }
  End(id, handshake.verdict());
}

void LoadWorker::NoteStage(Client& client, wire::Stage before) {
  const wire::Stage stage = client.handshake->stage();
  if (stage == before) return;
  if (stage == wire::Stage::kProbe) {
    client.replied = Clock::now();
    tally_.CountAnswered();
  }
  if (stage == wire::Stage::kReadEnd) client.confirmed = Clock::now();
}

void LoadWorker::Await(uint32_t id, uint32_t what, TimePoint deadline) {
  Client& client = clients_[id];
  wheel_.Arm(id, deadline);
  if (client.watched == what) return;
  const uint64_t tag = uint64_t{client.generation} << 32 | id;
  const int error = client.watched == 0 ? reactor_.Watch(client.fd.get(), tag, what)
                                        : reactor_.Rewatch(client.fd.get(), tag, what);
  client.watched = what;
  if (error != 0) End(id, Verdict::kNoLocalResource);
}

void LoadWorker::End(uint32_t id, Verdict verdict) {
  Client& client = clients_[id];
  if (verdict == Verdict::kOk && client.counted) {
    const TimePoint now = Clock::now();
    tally_.RecordOk({.handshake = now - client.started,
                     .connect = client.established - client.started,
                     .reply = client.replied - client.established,
                     .close = now - client.confirmed});
    if (pacer_) tally_.RecordIntended(now - client.intended);
    Sample(client, now);
  }
  Close(client, verdict == Verdict::kOk ? wire::Ending::kClose : wire::Ending::kReset);
  tally_.CountEnded(verdict, client.counted);
  wheel_.Cancel(id);
  MoveOn(id, verdict);
}

void LoadWorker::Sample(const Client& client, TimePoint ended) {
  if (samples_.size() == samples_.capacity()) return;
  if (client.sequence % plan_.spec.sample_stride != 0) return;
  samples_.push_back({.sequence = client.sequence,
                      .intended = pacer_ ? client.intended : client.started,
                      .started = client.started,
                      .established = client.established,
                      .replied = client.replied,
                      .ended = ended});
}

void LoadWorker::MoveOn(uint32_t id, Verdict verdict) {
  // An open loop does not wait: what is to begin, begins.
  if (pacer_ || beginning_ended_) return FreePlace(id);
  std::chrono::nanoseconds rest = plan_.spec.think_time;
  if (MustBackOff(verdict)) rest = std::max<std::chrono::nanoseconds>(rest, kBackOff);
  if (rest.count() == 0) {
    clients_[id].phase = Phase::kReady;
    ready_.push_back(id);
  } else {
    clients_[id].phase = Phase::kResting;
    wheel_.Arm(id, Clock::now() + rest);
  }
}

void LoadWorker::Close(Client& client, wire::Ending ending) {
  if (client.phase == Phase::kTalking) plan_.standing.fetch_sub(1, std::memory_order_relaxed);
  if (client.fd) CloseAs(ending, client.fd);
  client.handshake.reset();
  client.watched = 0;
  ++client.generation;
}

void LoadWorker::EndBeginning() {
  beginning_ended_ = true;
  next_arrival_.reset();
  ready_.clear();
  for (uint32_t id = 0; id < fresh_; ++id) {
    if (clients_[id].phase != Phase::kResting && clients_[id].phase != Phase::kReady) continue;
    wheel_.Cancel(id);
    FreePlace(id);
  }
}

void LoadWorker::StopBeginning(TimePoint now) {
  give_up_at_ = now + kGrace;
  if (!plan_.cancelled) BeginDue();  // what came due in the last wait
  while (next_arrival_ && *next_arrival_ <= now) {
    if (*next_arrival_ >= plan_.count_from) tally_.CountPlanned();
    pacer_->Advance();
    NoteNextArrival();
  }
  EndBeginning();
}

void LoadWorker::GiveUp() {
  for (uint32_t id = 0; id < fresh_; ++id) {
    if (clients_[id].phase == Phase::kFree) continue;
    Close(clients_[id], wire::Ending::kReset);
    wheel_.Cancel(id);
    FreePlace(id);
  }
}

void LoadWorker::CountStanding() {
  const int64_t standing = plan_.standing.fetch_add(1, std::memory_order_relaxed) + 1;
  int64_t peak = plan_.peak_standing.load(std::memory_order_relaxed);
  while (standing > peak && !plan_.peak_standing.compare_exchange_weak(peak, standing)) {
  }
}

}  // namespace handshake::client

#include "server/data_plane.h"

#include <poll.h>

#include <algorithm>
#include <initializer_list>
#include <mutex>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "common/stats/kernel_counters.h"
#include "common/stats/process_usage.h"
#include "server/door/cpu_meter.h"
#include "server/door/door.h"
#include "server/door/ledger.h"
#include "server/door/lobby.h"
#include "server/engines/factory.h"
#include "server/rate_meter.h"

namespace handshake::server {
namespace {

constexpr int kShardsPerCpu = 4;

// Each has counters of its own for every mode.
constexpr size_t kMostListeners = 64;

// At shutdown, what waits in the accept queues is still taken, for this long at most.
constexpr std::chrono::milliseconds kEmptyQueueTimeout{200};

// Sane bounds, far above what a machine can do.
constexpr int64_t kMaxThreadOption = 100'000;
constexpr int64_t kMaxDirect = 10'000'000;

absl::Status CheckCount(const char* name, int64_t value) {
  if (value >= 1 && value <= kMaxThreadOption) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s must be from 1 to %d, not %d", name, kMaxThreadOption, value));
}

absl::Status CheckWorkers(const EngineOptions& options) {
  const auto most = static_cast<int64_t>(options.cpus.size());
  if (options.workers >= 1 && options.workers <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "workers must be from 1 to %d, the CPUs that serve (--cpus), not %d", most, options.workers));
}

absl::Status CheckDirect(const EngineOptions& options) {
  if (options.io_uring_direct >= 0 && options.io_uring_direct <= kMaxDirect) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("--io-uring-direct must be from 1 to %d connections, or 0 for none, not %d",
                      kMaxDirect, options.io_uring_direct));
}

absl::Status CheckTimeout(const char* name, wire::Duration value) {
  if (value > wire::Duration::zero() && value <= wire::kMaxTimeout) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("%s must be above 0 and at most 1 h", name));
}

absl::Status FirstFailure(std::initializer_list<absl::Status> all) {
  for (const absl::Status& status : all) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckProtocol(const wire::HandshakeOptions& options) {
  return FirstFailure({CheckTimeout("step_timeout", options.step_timeout),
                       CheckTimeout("handshake_timeout", options.handshake_timeout),
                       CheckTimeout("bare_grace", options.bare_grace)});
}

absl::Status CheckProtocol(const wire::ConversationOptions& options) {
  if (options.ping_interval < wire::Duration::zero() || options.ping_interval > wire::kMaxTimeout) {
    return absl::InvalidArgumentError("ping_interval must be at most 1 h, or 0 for no pings");
  }
  return FirstFailure({CheckTimeout("idle_timeout", options.idle_timeout),
                       CheckTimeout("ping_timeout", options.ping_timeout),
                       CheckTimeout("message_timeout", options.message_timeout),
                       CheckTimeout("write_timeout", options.write_timeout)});
}

absl::Status Check(const DataPlaneOptions& options) {
  if (options.listeners.empty()) return absl::InvalidArgumentError("no address to listen on");
  if (options.listeners.size() > kMostListeners) {
    return absl::InvalidArgumentError(
        absl::StrFormat("at most %d addresses to listen on", kMostListeners));
  }
  for (const ListenerOptions& listener : options.listeners) {
    absl::Status status =
        std::visit([](const auto& with) { return CheckProtocol(with); }, listener.protocol);
    if (!status.ok()) return status;
  }
  for (const absl::Status& status : {CheckCount("max_threads", options.engine.max_threads),
                                     CheckCount("pool_threads", options.engine.pool_threads),
                                     CheckWorkers(options.engine), CheckDirect(options.engine)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

struct DataPlane::Impl final : wire::CommandHost {
  explicit Impl(const DataPlaneOptions& with)
      : options(Hosted(with)),
        ledger(kShardsPerCpu * static_cast<int>(with.engine.cpus.size()),
               static_cast<int>(with.listeners.size())),
        lobby(ledger),
        door(lobby, ledger),
        switcher({.door = door,
                  .lobby = lobby,
                  .ledger = ledger,
                  .cpu_meter = cpu_meter,
                  .options = with.engine}),
        rates(ledger) {}

  absl::Status Start();
  std::shared_ptr<const Snapshot> MakeSnapshot();
  // The options, with this for what the command listeners ask.
  DataPlaneOptions Hosted(DataPlaneOptions with) const {
    for (ListenerOptions& listener : with.listeners) {
      if (auto* command = std::get_if<wire::CommandOptions>(&listener.protocol)) {
        command->host = this;
      }
    }
    return with;
  }
  // Called by engines: a short lock, or a look at the counters, and no snapshot.
  wire::HostMode Mode() const override {
    const ActiveMode active = switcher.active();
    return {.name = ModeName(active.mode), .generation = active.generation};
  }
  wire::HostTotals Totals() const override {
    const Ledger::Totals totals = ledger.ReadTotals();
    return {.accepted = totals.accepted,
            .completed = totals.completed,
            .failed = totals.failed,
            .in_flight = totals.accepted - totals.completed - totals.failed};
  }
  std::vector<ListenerStats> ReadListeners() const;

  const DataPlaneOptions options;
  const wire::TimePoint started = wire::Clock::now();
  // Each borrows from those above it.
  CpuMeter cpu_meter;
  Ledger ledger;
  Lobby lobby;
  Door door;
  ModeSwitcher switcher;
  RateMeter rates;
  std::vector<net::Address> addresses;

  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex

  std::mutex snapshot_mutex;  // guards all below
  std::shared_ptr<const Snapshot> newest;
  wire::TimePoint newest_at{};
  int64_t last_sequence = 0;
  std::vector<ListenerStats> final_listeners;  // once the listeners are closed
  bool listeners_closed = false;
};

absl::Status DataPlane::Impl::Start() {
  if (absl::Status status = Check(options); !status.ok()) return status;
  if (absl::Status status = lobby.Start(); !status.ok()) return status;
  if (absl::Status status = door.Open(options.listeners, options.engine.cpus); !status.ok())
    return status;
  addresses = door.addresses();
  if (absl::Status status = rates.Start(); !status.ok()) return status;
  if (absl::Status status = switcher.Begin(options.mode); !status.ok()) return status;
  return absl::OkStatus();
}

std::shared_ptr<const Snapshot> DataPlane::Impl::MakeSnapshot() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->sequence = ++last_sequence;
  snapshot->time = std::chrono::system_clock::now();
  snapshot->uptime = wire::Clock::now() - started;
  const ActiveMode active = switcher.active();
  snapshot->mode = active.mode;
  snapshot->generation = active.generation;
  for (const server::Mode mode : kModes) {
    ModeStats& stats = snapshot->modes[static_cast<size_t>(mode)];
    stats = ledger.Read(mode);
    stats.engine_cpu = cpu_meter.Read(mode);
  }
  const RateMeter::Rates rate = rates.Read();
  snapshot->accepted_per_second = rate.accepted;
  snapshot->completed_per_second = rate.completed;
  snapshot->failed_per_second = rate.failed;
  snapshot->lobby_count = lobby.size();
  snapshot->draining_engine_count = switcher.draining_count();
  lobby.ReadOrphanGap(snapshot->orphan_gap);
  snapshot->births_after_stop = door.births_after_stop();
  snapshot->process = stats::ReadProcessUsage();
  snapshot->listen_counters = stats::ReadListenCounters();
  snapshot->listeners = ReadListeners();
  return snapshot;
}

std::vector<ListenerStats> DataPlane::Impl::ReadListeners() const {
  std::vector<ListenerStats> listeners = listeners_closed ? final_listeners : door.ListenersStats();
  for (size_t i = 0; i < listeners.size(); ++i) {
    listeners[i].ledger = ledger.ReadListener(static_cast<int>(i));
  }
  return listeners;
}

DataPlane::DataPlane(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DataPlane::~DataPlane() { Stop(wire::Duration::zero()); }

absl::StatusOr<std::unique_ptr<DataPlane>> DataPlane::Start(const DataPlaneOptions& options) {
  DataPlaneOptions filled = options;
  filled.engine = WithDefaults(options.engine);
  auto impl = std::make_unique<Impl>(filled);
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return std::unique_ptr<DataPlane>(new DataPlane(std::move(impl)));
}

std::vector<net::Address> DataPlane::addresses() const { return impl_->addresses; }
ActiveMode DataPlane::active() const { return impl_->switcher.active(); }
const DataPlaneOptions& DataPlane::options() const { return impl_->options; }

std::vector<ModeInfo> DataPlane::ListModes() const {
  const stats::ProcessUsage usage = stats::ReadProcessUsage();
  const Ledger::Totals totals = impl_->ledger.ReadTotals();
  const int64_t others = usage.open_fd_count - (totals.accepted - totals.completed - totals.failed);
  const int64_t fds = usage.fd_limit - FdReserve::kSize - std::max<int64_t>(others, 0);
  std::vector<ModeInfo> modes;
  modes.reserve(kModes.size());
  for (Mode mode : kModes) {
    const std::string unavailable =
        EngineUnavailable(mode, impl_->options.engine, impl_->door.listener_count());
    modes.push_back({.mode = mode,
                     .description = EngineDescription(mode),
                     .available = unavailable.empty(),
                     .unavailable_reason = unavailable,
                     .max_concurrent = EngineMaxConcurrent(mode, impl_->options.engine, fds)});
  }
  return modes;
}

absl::StatusOr<SwitchRecord> DataPlane::Switch(const SwitchRequest& request) {
  return impl_->switcher.Switch(request);
}

absl::StatusOr<SwitchRecord> DataPlane::GetSwitch(int64_t id) const {
  return impl_->switcher.Get(id);
}

std::vector<SwitchRecord> DataPlane::ListSwitches() const { return impl_->switcher.List(); }

std::shared_ptr<const Snapshot> DataPlane::Stats() {
  const std::lock_guard lock(impl_->snapshot_mutex);
  const wire::TimePoint now = wire::Clock::now();
  if (!impl_->newest || now - impl_->newest_at >= kSnapshotTick) {
    impl_->newest = impl_->MakeSnapshot();
    impl_->newest_at = now;
  }
  return impl_->newest;
}

absl::StatusOr<int64_t> DataPlane::RecordTimelines(const TimelineOptions& options) {
  return impl_->ledger.timelines().Record(options, wire::Clock::now());
}

absl::Status DataPlane::ExtendTimelines(int64_t recording, wire::Duration length) {
  return impl_->ledger.timelines().Extend(recording, length, wire::Clock::now());
}

absl::StatusOr<Timelines::Collected> DataPlane::CollectTimelines(int64_t recording) {
  return impl_->ledger.timelines().Collect(recording);
}

void DataPlane::Stop(wire::Duration drain_timeout) {
  Impl& impl = *impl_;
  const std::lock_guard stopping(impl.stop_mutex);
  if (std::exchange(impl.stopped, true)) return;
  const wire::TimePoint deadline = wire::Clock::now() + drain_timeout;

  // What the kernel has accepted for us is served: closing a listener resets its queue.
  impl.door.RefuseNew();
  const wire::TimePoint enough =
      wire::Clock::now() + std::min<wire::Duration>(drain_timeout, kEmptyQueueTimeout);
  while (impl.door.QueueLength() > 0 && wire::Clock::now() < enough) poll(nullptr, 0, 1);
  impl.switcher.StopTaking();
  {
    const std::lock_guard lock(impl.snapshot_mutex);
    impl.final_listeners = impl.door.ListenersStats();
    impl.listeners_closed = true;
    impl.newest.reset();
  }
  // Shut, not closed: engines that drain may still wait on the descriptors, which must not become
  // somebody else's.
  impl.door.ShutListeners();

  // Nobody takes any more: the lobby serves its own, the engines theirs, until the deadline.
  // What is left at the deadline is ended as it comes out of the engines: thousands may be there,
  // and not a descriptor for each.
  impl.lobby.Close(deadline, wire::Verdict::kClosedAtShutdown);
  impl.switcher.Drain(deadline);
  impl.door.CloseListeners();
  while (impl.lobby.size() > 0 && wire::Clock::now() < deadline) poll(nullptr, 0, 1);
  impl.lobby.Stop();
  const std::lock_guard lock(impl.snapshot_mutex);
  impl.newest.reset();
}

}  // namespace handshake::server

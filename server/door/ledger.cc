#include "server/door/ledger.h"

#include <chrono>

namespace handshake::server {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

int64_t Microseconds(wire::Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// Threads are numbered as they come; one thread always counts in one shard.
uint32_t ThisThreadNumber() {
  static std::atomic<uint32_t> next{0};
  thread_local const uint32_t number = next.fetch_add(1, kRelaxed);
  return number;
}

}  // namespace

Ledger::Ledger(int shard_count) : shard_count_(shard_count) {}

Ledger::~Ledger() {
  for (std::atomic<Shards*>& mode : modes_) delete mode.load();
}

void Ledger::Open(Mode mode) {
  const std::lock_guard lock(opening_);
  std::atomic<Shards*>& shards = modes_[static_cast<size_t>(mode)];
  if (shards.load() == nullptr) shards.store(new Shards(static_cast<size_t>(shard_count_)));
}

const Ledger::Shards* Ledger::Find(Mode mode) const {
  return modes_[static_cast<size_t>(mode)].load(std::memory_order_acquire);
}

Ledger::Shard& Ledger::MyShard(Mode mode) {
  Shards* shards = modes_[static_cast<size_t>(mode)].load(std::memory_order_acquire);
  return (*shards)[ThisThreadNumber() % static_cast<uint32_t>(shard_count_)];
}

void Ledger::CountAccepted(const Connection& connection) {
  MyShard(connection.birth_mode).accepted.fetch_add(1, kRelaxed);
}

void Ledger::CountHandedOver(const Connection& connection) {
  MyShard(connection.birth_mode).handed_over.fetch_add(1, kRelaxed);
}

void Ledger::CountHeld(const Connection& connection) {
  MyShard(connection.birth_mode).held.fetch_add(1, kRelaxed);
}

void Ledger::CountReceived(const Connection& connection, int64_t bytes) {
  MyShard(connection.birth_mode).bytes_received.fetch_add(bytes, kRelaxed);
}

void Ledger::CountSent(const Connection& connection, int64_t bytes) {
  MyShard(connection.birth_mode).bytes_sent.fetch_add(bytes, kRelaxed);
}

void Ledger::CountEnded(const Connection& connection, wire::TimePoint now) {
  Shard& shard = MyShard(connection.birth_mode);
  const wire::Verdict verdict = connection.session.verdict();
  if (verdict == wire::Verdict::kOk) {
    const int64_t total = Microseconds(now - connection.session.started());
    shard.handshake.Record(total);
    shard.first_byte.Record(connection.first_byte_us);
    shard.first_to_last.Record(total - connection.first_byte_us);
  }
  timelines_.NoteEnded(connection);
  if (connection.counted_held) shard.held_ended.fetch_add(1, kRelaxed);
  // Release: a reader that sees this end also sees its accept, whoever counted that.
  shard.ended[static_cast<size_t>(verdict)].fetch_add(1, std::memory_order_release);
}

ModeStats Ledger::Read(Mode mode) const {
  ModeStats stats;
  const Shards* shards = Find(mode);
  if (shards == nullptr) return stats;
  int64_t ended = 0;
  int64_t held = 0;
  for (const Shard& shard : *shards) {
    for (size_t i = 0; i < shard.ended.size(); ++i) {
      const int64_t count = shard.ended[i].load(std::memory_order_acquire);
      stats.ended[i] += count;
      ended += count;
    }
    held -= shard.held_ended.load(kRelaxed);
  }
  for (const Shard& shard : *shards) {
    stats.accepted += shard.accepted.load(kRelaxed);
    stats.handed_over += shard.handed_over.load(kRelaxed);
    held += shard.held.load(kRelaxed);
    stats.bytes_received += shard.bytes_received.load(kRelaxed);
    stats.bytes_sent += shard.bytes_sent.load(kRelaxed);
    shard.handshake.MergeInto(stats.handshake);
    shard.first_byte.MergeInto(stats.first_byte);
    shard.first_to_last.MergeInto(stats.first_to_last);
  }
  stats.in_flight = stats.accepted - ended;
  stats.held = held;
  return stats;
}

Ledger::Totals Ledger::ReadTotals() const {
  Totals totals;
  for (Mode mode : kModes) {
    const Shards* shards = Find(mode);
    if (shards == nullptr) continue;
    for (const Shard& shard : *shards) {
      for (size_t i = 0; i < shard.ended.size(); ++i) {
        const bool ok = static_cast<wire::Verdict>(i) == wire::Verdict::kOk;
        (ok ? totals.completed : totals.failed) += shard.ended[i].load(kRelaxed);
      }
      totals.accepted += shard.accepted.load(kRelaxed);
    }
  }
  return totals;
}

}  // namespace handshake::server

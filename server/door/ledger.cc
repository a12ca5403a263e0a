#include "server/door/ledger.h"

#include <chrono>
#include <memory>

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

Ledger::Ledger(int shard_count, int listener_count)
    : shard_count_(shard_count), listener_count_(listener_count) {}

Ledger::~Ledger() {
  for (std::atomic<Shards*>& mode : modes_) delete[] mode.load();
}

void Ledger::Open(Mode mode) {
  const std::lock_guard lock(opening_);
  std::atomic<Shards*>& shards = modes_[static_cast<size_t>(mode)];
  if (shards.load() != nullptr) return;
  auto opened = std::make_unique<Shards[]>(static_cast<size_t>(listener_count_));
  for (int i = 0; i < listener_count_; ++i) {
    opened[static_cast<size_t>(i)] = Shards(static_cast<size_t>(shard_count_));
  }
  shards.store(opened.release());
}

const Ledger::Shards* Ledger::Find(Mode mode, int listener) const {
  const Shards* all = modes_[static_cast<size_t>(mode)].load(std::memory_order_acquire);
  return all == nullptr ? nullptr : all + listener;
}

Ledger::Shard& Ledger::MyShard(const Connection& connection) {
  const auto mode = static_cast<size_t>(connection.birth_mode);
  const int listener = connection.session.protocol().listener();
  Shards* all = modes_[mode].load(std::memory_order_acquire);
  return all[listener][ThisThreadNumber() % static_cast<uint32_t>(shard_count_)];
}

void Ledger::CountAccepted(const Connection& connection) {
  MyShard(connection).accepted.fetch_add(1, kRelaxed);
}

void Ledger::CountHandedOver(const Connection& connection) {
  MyShard(connection).handed_over.fetch_add(1, kRelaxed);
}

void Ledger::CountHeld(const Connection& connection) {
  MyShard(connection).held.fetch_add(1, kRelaxed);
}

void Ledger::CountReceived(const Connection& connection, int64_t bytes) {
  MyShard(connection).bytes_received.fetch_add(bytes, kRelaxed);
}

void Ledger::CountSent(const Connection& connection, int64_t bytes) {
  MyShard(connection).bytes_sent.fetch_add(bytes, kRelaxed);
}

void Ledger::CountMessages(const Connection& connection, int64_t count) {
  MyShard(connection).messages.fetch_add(count, kRelaxed);
}

void Ledger::CountEnded(const Connection& connection, wire::TimePoint now) {
  Shard& shard = MyShard(connection);
  const wire::Verdict verdict = connection.session.verdict();
  // How long a long-lived one has lasted says nothing of the server.
  if (verdict == wire::Verdict::kOk && !connection.session.protocol().long_lived()) {
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
  for (int i = 0; i < listener_count_; ++i) {
    const Shards* shards = Find(mode, i);
    if (shards == nullptr) continue;
    Add(*shards, stats);
    for (const Shard& shard : *shards) {
      shard.handshake.MergeInto(stats.handshake);
      shard.first_byte.MergeInto(stats.first_byte);
      shard.first_to_last.MergeInto(stats.first_to_last);
    }
  }
  return stats;
}

LedgerRow Ledger::ReadListener(int listener) const {
  LedgerRow row;
  for (const Mode mode : kModes) {
    if (const Shards* shards = Find(mode, listener)) Add(*shards, row);
  }
  return row;
}

void Ledger::Add(const Shards& shards, LedgerRow& row) {
  int64_t ended = 0;
  int64_t accepted = 0;
  for (const Shard& shard : shards) {
    for (size_t i = 0; i < shard.ended.size(); ++i) {
      const int64_t count = shard.ended[i].load(std::memory_order_acquire);
      row.ended[i] += count;
      ended += count;
    }
    row.held -= shard.held_ended.load(kRelaxed);
  }
  for (const Shard& shard : shards) {
    accepted += shard.accepted.load(kRelaxed);
    row.handed_over += shard.handed_over.load(kRelaxed);
    row.held += shard.held.load(kRelaxed);
    row.bytes_received += shard.bytes_received.load(kRelaxed);
    row.bytes_sent += shard.bytes_sent.load(kRelaxed);
    row.messages += shard.messages.load(kRelaxed);
  }
  row.accepted += accepted;
  row.in_flight += accepted - ended;
}

void Ledger::AddEnded(const Shards& shards, Totals& totals) {
  for (const Shard& shard : shards) {
    for (size_t i = 0; i < shard.ended.size(); ++i) {
      const bool ok = static_cast<wire::Verdict>(i) == wire::Verdict::kOk;
      (ok ? totals.completed : totals.failed) += shard.ended[i].load(std::memory_order_acquire);
    }
  }
}

Ledger::Totals Ledger::ReadTotals() const {
  Totals totals;
  for (Mode mode : kModes) {
    for (int i = 0; i < listener_count_; ++i) {
      if (const Shards* shards = Find(mode, i)) AddEnded(*shards, totals);
    }
  }
  // Later: what ended was accepted before.
  for (Mode mode : kModes) {
    for (int i = 0; i < listener_count_; ++i) {
      const Shards* shards = Find(mode, i);
      if (shards == nullptr) continue;
      for (const Shard& shard : *shards) totals.accepted += shard.accepted.load(kRelaxed);
    }
  }
  return totals;
}

}  // namespace handshake::server

#include "server/engines/engine.h"

namespace handshake::server {

Engine::Engine(const EngineContext& context, Mode mode, uint32_t generation)
    : context_(context), mode_(mode), generation_(generation) {}

Engine::Counts Engine::counts() const {
  Counts counts;  // what left is read before what came, so in_flight is never below 0
  counts.completed = completed_.load();
  counts.failed = failed_.load();
  counts.handed_over = handed_over_.load();
  counts.taken = taken_.load();
  return counts;
}

Taken Engine::Take(Doorway& doorway) { return context_.door.Take(MakeTaker(), doorway); }

Progress Engine::Serve(Connection& connection) {
  const Progress progress = Drive(connection, context_.ledger, wire::Clock::now());
  if (progress == Progress::kEnded) CountEnd(connection);
  return progress;
}

std::optional<Connection> Engine::TakeOffered() { return context_.door.TakeOffered(MakeTaker()); }

Connection Engine::Admit(const Listener& listener, int fd, wire::TimePoint now) {
  return context_.door.Admit(MakeTaker(), listener, fd, now);
}

void Engine::End(const Connection& connection, wire::TimePoint now) {
  context_.ledger.CountEnded(connection, now);
  CountEnd(connection);
}

void Engine::CountEnd(const Connection& connection) {
  const bool ok = connection.session.verdict() == wire::Verdict::kOk;
  (ok ? completed_ : failed_).fetch_add(1);
  NotifyDrain();
}

void Engine::HandOver(std::span<Connection> slice, wire::TimePoint detached_at) {
  for (const Connection& connection : slice) context_.ledger.CountHandedOver(connection);
  PassOn(slice, detached_at);
}

void Engine::Park(Connection& connection) { PassOn({&connection, 1}, wire::Clock::now()); }

void Engine::PassOn(std::span<Connection> slice, wire::TimePoint detached_at) {
  const auto count = static_cast<int64_t>(slice.size());
  context_.lobby.Admit(slice, detached_at);
  handed_over_.fetch_add(count);
  NotifyDrain();
}

void Engine::NotifyDrain() {
  // Before the gate is closed nobody waits; after it, whoever waits has seen the count or is told.
  if (!gate_.closed()) return;
  const std::lock_guard lock(drain_mutex_);
  drain_changed_.notify_all();
}

void Engine::AwaitEmpty() {
  std::unique_lock lock(drain_mutex_);
  drain_changed_.wait(lock, [&] { return in_flight() == 0; });
}

void Engine::Drain(wire::TimePoint deadline) {
  OnDrain();
  {
    std::unique_lock lock(drain_mutex_);
    drain_changed_.wait_until(lock, deadline, [&] { return hurry_ || in_flight() == 0; });
  }
  HandOverAll();
}

void Engine::HurryDrain() {
  const std::lock_guard lock(drain_mutex_);
  hurry_ = true;
  drain_changed_.notify_all();
}

}  // namespace handshake::server

#include "server/engines/event_workers.h"

#include "server/door/cpus.h"

namespace handshake::server {

EventWorkersEngine::EventWorkersEngine(const EngineContext& context, Mode mode, uint32_t generation)
    : Engine(context, mode, generation), threads_(this->context(), mode) {}

EventWorkersEngine::~EventWorkersEngine() = default;

absl::Status EventWorkersEngine::Prepare() {
  const int64_t count = WorkersWanted();
  shares_ = SharesWanted();
  for (int64_t i = 0; i < count; ++i) {
    workers_.push_back(MakeWorker(context().door.MakeDoorway(i % shares_, shares_)));
    if (absl::Status status = workers_.back()->Prepare(); !status.ok()) return status;
  }
  return threads_.Create(count, [this](int64_t i) { RunWorker(i); });
}

void EventWorkersEngine::Start() { threads_.Release(); }

void EventWorkersEngine::LookAgain() {
  for (const std::unique_ptr<EventWorker>& worker : workers_) worker->LookAgain();
}

void EventWorkersEngine::OnDrain() { Enter(Phase::kDraining); }

void EventWorkersEngine::HandOverAll() {
  Enter(Phase::kLeaving);
  AwaitEmpty();
}

void EventWorkersEngine::Enter(Phase phase) {
  phase_.store(phase);
  WakeWorkers();
}

void EventWorkersEngine::WakeWorkers() {
  for (const std::unique_ptr<EventWorker>& worker : workers_) worker->Wake();
}

void EventWorkersEngine::RunWorker(int64_t number) {
  const std::vector<int>& all = context().options.cpus;
  std::vector<int> own = ShareOf(number % shares_, shares_, static_cast<int64_t>(all.size()));
  for (int& cpu : own) cpu = all[static_cast<size_t>(cpu)];
  StayOn(own);
  workers_[static_cast<size_t>(number)]->Run();
}

}  // namespace handshake::server

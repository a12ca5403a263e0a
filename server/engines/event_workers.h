// Threads that each serve many connections: what the event modes (`epoll`, `coroutine`, `io-uring`)
// have in common. How such a thread waits and serves is the mode's own affair.
#ifndef HANDSHAKE_SERVER_ENGINES_EVENT_WORKERS_H_
#define HANDSHAKE_SERVER_ENGINES_EVENT_WORKERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "server/engines/engine.h"
#include "server/engines/engine_threads.h"

namespace handshake::server {

// One thread of an event mode. Everything but Wake() belongs to that thread once it runs.
class EventWorker {
 public:
  virtual ~EventWorker() = default;
  // Gets everything that can fail; called by the engine's owner.
  virtual absl::Status Prepare() = 0;
  // Serves until the engine's phase says otherwise and no connection is left here.
  virtual void Run() = 0;
  // The phase has changed: look at it. Any thread, from Prepare() on.
  virtual void Wake() = 0;
  // See Engine. Any thread.
  virtual void LookAgain() {}
};

// A few threads. The shards are cut into as many shares (see ShareOf); each has a doorway to one
// and stays on its CPUs: as many workers as shards are one pinned thread a CPU.
class EventWorkersEngine : public Engine {
 public:
  enum class Phase : uint8_t {
    kServing,
    kDraining,  // nothing more is taken; a worker that has nothing left may end
    kLeaving,   // what is left goes to the lobby in slices
  };

  // Connections that a worker passes to the lobby at once.
  static constexpr size_t kHandOverSlice = 64;

  EventWorkersEngine(const EngineContext& context, Mode mode, uint32_t generation);
  ~EventWorkersEngine() override;

  absl::Status Prepare() override;
  void Start() override;
  void LookAgain() override;

  // For its workers.
  Phase phase() const { return phase_.load(); }
  using Engine::Admit;
  using Engine::context;
  using Engine::End;
  using Engine::HandOver;
  using Engine::Serve;
  using Engine::Take;
  using Engine::TakeOffered;

 protected:
  virtual std::unique_ptr<EventWorker> MakeWorker(Doorway doorway) = 0;
  // How many threads, and into how many shares the shards are cut: worker w has share w % shares.
  virtual int64_t WorkersWanted() const { return context().options.workers; }
  virtual int64_t SharesWanted() const { return context().options.workers; }
  void WakeWorkers();
  // For the destructor of an engine whose own members its workers use.
  void JoinWorkers() { threads_.Join(); }
  int64_t worker_count() const { return static_cast<int64_t>(workers_.size()); }
  void OnDrain() override;
  void HandOverAll() override;

 private:
  void Enter(Phase phase);
  void RunWorker(int64_t number);

  int64_t shares_ = 1;  // for the workers, who may not ask an engine that is being destroyed
  std::atomic<Phase> phase_{Phase::kServing};
  std::vector<std::unique_ptr<EventWorker>> workers_;
  EngineThreads threads_;  // last: joined before the workers go away
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_EVENT_WORKERS_H_

#include "server/engines/thread_per_connection.h"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

namespace handshake::server {
namespace {

// Enough for the deepest call of a connection thread, sanitizers included; only touched pages
// count.
constexpr size_t kStackBytes = 256 * 1024;

// Places that are kept for the next ones: more than end between two starts, unless a crowd leaves.
constexpr size_t kSpareWorkers = 64;

// As many as one core ends within about a millisecond.
constexpr int kLeaveSlice = 16;

int LeaveSignal() { return SIGRTMIN + 1; }

// The signal must interrupt ppoll, so it needs a handler; there is nothing for it to do.
void InstallLeaveHandler() {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  sigaction(LeaveSignal(), &action, nullptr);
}

timespec Until(wire::TimePoint deadline) {
  const auto left = std::max(deadline - wire::Clock::now(), wire::Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

}  // namespace

ThreadPerConnectionEngine::ThreadPerConnectionEngine(const EngineContext& context,
                                                     uint32_t generation)
    : Engine(context, Mode::kThreadPerConnection, generation),
      acceptor_(this->context(), Mode::kThreadPerConnection) {}

ThreadPerConnectionEngine::~ThreadPerConnectionEngine() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return workers_.empty(); });
}

absl::Status ThreadPerConnectionEngine::Prepare() {
  static std::once_flag installed;
  std::call_once(installed, InstallLeaveHandler);
  if (absl::Status status = drain_.Open(); !status.ok()) return status;
  return acceptor_.Create(1, [this](int64_t) { RunAcceptor(); });
}

void ThreadPerConnectionEngine::Start() { acceptor_.Release(); }

void ThreadPerConnectionEngine::OnDrain() {
  drain_.Raise();
  const std::lock_guard lock(mutex_);
  draining_ = true;
  changed_.notify_all();
}

void ThreadPerConnectionEngine::HandOverAll() {
  std::unique_lock lock(mutex_);
  leaving_ = true;
  while (!workers_.empty()) {
    int asked = 0;
    for (Worker& worker : workers_) {
      if (asked == kLeaveSlice) break;
      worker.leave.store(true);
      // Still in the list, so a thread that runs still exists.
      if (worker.runs.load()) pthread_kill(worker.thread, LeaveSignal());
      ++asked;
    }
    const size_t goal = workers_.size() - static_cast<size_t>(asked);
    changed_.wait(lock, [&] { return workers_.size() <= goal; });
  }
  lock.unlock();
  AwaitEmpty();
}

void ThreadPerConnectionEngine::RunAcceptor() {
  sigset_t leave;
  sigemptyset(&leave);
  sigaddset(&leave, LeaveSignal());
  pthread_sigmask(SIG_BLOCK, &leave, &while_waiting_);  // the connection threads inherit this
  sigdelset(&while_waiting_, LeaveSignal());

  Doorway doorway = context().door.MakeDoorway();
  DoorWatch watch(doorway, drain_);
  TakeBackOff back_off;
  while (AwaitRoom()) {
    Taken taken = Take(doorway);
    switch (taken.status) {
      case Taken::Status::kConnection:
        if (StartThread(std::move(*taken.connection))) {
          back_off.Reset();
        } else {
          watch.AwaitPause(back_off.Next());
        }
        break;
      case Taken::Status::kNothing:
        watch.AwaitDoor();
        break;
      case Taken::Status::kExhausted:
        watch.AwaitPause(back_off.Next());
        break;
      case Taken::Status::kStopped:
        return;
    }
  }
}

bool ThreadPerConnectionEngine::AwaitRoom() {
  std::unique_lock lock(mutex_);
  const auto limit = static_cast<size_t>(context().options.max_threads);
  changed_.wait(lock, [&] { return draining_ || workers_.size() < limit; });
  return !draining_;
}

bool ThreadPerConnectionEngine::StartThread(Connection&& connection) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);

  std::unique_lock lock(mutex_);
  if (leaving_) {  // taken before StopTaking(), and nobody would ask its worker to leave
    lock.unlock();
    pthread_attr_destroy(&attributes);
    HandOver({&connection, 1}, wire::Clock::now());
    return false;
  }
  Worker& worker = AddWorker(std::move(connection));
  lock.unlock();  // a thread takes long to start, and others want to end
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, &RunWorker, &worker);
  pthread_attr_destroy(&attributes);
  if (error == 0) return true;
  Connection left = *std::move(worker.connection);
  lock.lock();
  RemoveWorker(worker);
  lock.unlock();
  HandOver({&left, 1}, wire::Clock::now());
  return false;
}

void* ThreadPerConnectionEngine::RunWorker(void* argument) {
  Worker& worker = *static_cast<Worker*>(argument);
  ThreadPerConnectionEngine& engine = *worker.engine;
  worker.thread = pthread_self();
  worker.runs.store(true);
  engine.ServeToTheEnd(worker);
  engine.context().cpu_meter.AddThisThread(Mode::kThreadPerConnection);
  // The last thing it does with the engine: whoever waits for the list may destroy it then.
  const std::lock_guard lock(engine.mutex_);
  engine.RemoveWorker(worker);
  return nullptr;
}

ThreadPerConnectionEngine::Worker& ThreadPerConnectionEngine::AddWorker(Connection&& connection) {
  while (spare_.size() > kSpareWorkers) spare_.pop_back();
  if (spare_.empty()) spare_.emplace_back().engine = this;
  workers_.splice(workers_.end(), spare_, spare_.begin());
  Worker& worker = workers_.back();
  worker.connection.emplace(std::move(connection));
  worker.self = std::prev(workers_.end());
  worker.leave.store(false);
  worker.runs.store(false);
  return worker;
}

void ThreadPerConnectionEngine::RemoveWorker(Worker& worker) {
  worker.connection.reset();
  spare_.splice(spare_.begin(), workers_, worker.self);
  changed_.notify_all();
}

void ThreadPerConnectionEngine::ServeToTheEnd(Worker& worker) {
  Connection& connection = *worker.connection;
  while (true) {
    const Progress progress = Serve(connection);
    if (progress == Progress::kEnded) return;
    if (connection.session.protocol().long_lived()) return Park(connection);
    if (worker.leave.load()) return HandOver({&connection, 1}, wire::Clock::now());
    const short interest = progress == Progress::kAwaitWritable ? POLLOUT : POLLIN;
    pollfd fd = {.fd = connection.fd.get(), .events = interest, .revents = 0};
    const timespec timeout = Until(connection.session.deadline());
    ppoll(&fd, 1, &timeout, &while_waiting_);
    if (worker.leave.load()) return HandOver({&connection, 1}, wire::Clock::now());
  }
}

}  // namespace handshake::server

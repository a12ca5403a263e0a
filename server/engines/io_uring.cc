#include "server/engines/io_uring.h"

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"

namespace handshake::server {
namespace {

constexpr RingOptions kRing;

// Completions that are handled in one turn, so that a rush keeps nobody waiting: not those who want
// this worker to stop, and not those inside.
constexpr uint32_t kCompletionsPerTurn = 256;

// A cancel may come too early to find its request: then once more.
constexpr std::chrono::milliseconds kCancelAgain{1};

// Who leaves needs a descriptor: if there is none, those who left before must give theirs back.
constexpr std::chrono::milliseconds kLeaveAgain{5};

// What the kernel takes for the size of a table, whatever the limit of open files.
constexpr rlim_t kMostPlaces = 1 << 20;

// Each has two descriptors, its own and its wake-up, and in a switch there are twice as many: no
// more than the door leaves for others.
constexpr int64_t kMostRings = 64;
static_assert(4 * kMostRings <= FdReserve::kGrowth);

int64_t FdLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int64_t>(std::min(limit.rlim_cur, kMostPlaces));
}

// A tag of a connection is the table's, with the request in four bits that no slot number needs;
// the tags of all else have the highest bit.
constexpr int kRequestShift = 28;
constexpr uint64_t kRequestMask = uint64_t{0xF} << kRequestShift;
constexpr uint64_t kOurs = uint64_t{1} << 63;
constexpr uint64_t kWakeTag = kOurs;
constexpr uint64_t kOffersTag = kOurs + 1;
constexpr uint64_t kAcceptTag = kOurs | uint64_t{1} << 32;        // + the listener
constexpr uint64_t kAcceptCancelTag = kOurs | uint64_t{2} << 32;  // + the listener

bool IsOfTheDoor(uint64_t tag) { return (tag & kOurs) != 0; }

// Does the result say nothing about the connection? Then a look at it does.
bool SaysNothing(int32_t result) {
  switch (-result) {
    case ECANCELED:  // by us, or because the send before it was cut short
    case ENOBUFS:    // all buffers were lent
    case EAGAIN:
    case EINTR:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::unique_ptr<EventWorker> IoUringEngine::MakeWorker(Doorway doorway) {
  return std::make_unique<IoUringWorker>(*this, std::move(doorway));
}

absl::Status IoUringEngine::Probe(const EngineOptions& options, int64_t listener_count) {
  if (options.io_uring_direct == 0) return ProbeRing(0);
  if (auto plan = PlanOf(options, listener_count); !plan.ok()) return plan.status();
  return ProbeRing(1);
}

absl::Status IoUringEngine::Prepare() {
  const EngineOptions& options = context().options;
  const int64_t listener_count = context().door.listener_count();
  if (options.io_uring_direct > 0) {
    const absl::StatusOr<Plan> plan = PlanOf(options, listener_count);
    if (!plan.ok()) return plan.status();
    plan_ = *plan;
  }
  // Once the engine runs, what the kernel refuses cannot be told to anybody.
  if (absl::Status status = ProbeRing(plan_.places > 0 ? 1 : 0); !status.ok()) return status;
  return EventWorkersEngine::Prepare();
}

absl::StatusOr<IoUringEngine::Plan> IoUringEngine::PlanOf(const EngineOptions& options,
                                                          int64_t listener_count) {
  const int64_t connections = options.io_uring_direct;
  // A place is free again once its close was handed over; and each listener may have an accept on
  // its way when the last place is given out.
  const int64_t spare = kRing.submissions + listener_count;
  const int64_t most = FdLimit() - spare;
  const int64_t needed = most < 1 ? kMostRings + 1 : (connections + most - 1) / most;
  if (needed > kMostRings) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "%d connections without descriptors do not fit into %d rings, for a ring's table has no "
        "more places than the limit of open files: raise ulimit -n, to %d at least, or lower "
        "--io-uring-direct",
        connections, kMostRings, (connections + kMostRings - 1) / kMostRings + spare));
  }
  Plan plan;
  plan.rings = std::max(needed, std::min({options.workers, connections, kMostRings}));
  plan.places = (connections + plan.rings - 1) / plan.rings;
  plan.table_size = static_cast<uint32_t>(plan.places + spare);
  return plan;
}

void IoUringEngine::Start() {
  taking_.store(worker_count());
  EventWorkersEngine::Start();
}

void IoUringEngine::OnStopTaking() {
  stopping_.store(true);
  WakeWorkers();
  for (int64_t taking = taking_.load(); taking != 0; taking = taking_.load()) taking_.wait(taking);
}

void IoUringEngine::WorkerStopped() {
  if (taking_.fetch_sub(1) == 1) taking_.notify_all();
}

IoUringWorker::IoUringWorker(IoUringEngine& engine, Doorway doorway)
    : engine_(engine),
      doorway_(std::move(doorway)),
      wheel_(wire::Clock::now()),
      accepting_(doorway_.listeners.size()),
      has_long_lived_(std::any_of(
          doorway_.listeners.begin(), doorway_.listeners.end(),
          [](const Listener* listener) { return listener->protocol().long_lived(); })) {}

absl::Status IoUringWorker::Prepare() {
  if (absl::Status status = wake_.Open(); !status.ok()) return status;
  RingOptions options = kRing;
  options.places = engine_.table_size();
  if (absl::Status status = ring_.Open(options); !status.ok()) return status;
  slice_.reserve(IoUringEngine::kHandOverSlice);
  return absl::OkStatus();
}

void IoUringWorker::Run() {
  ring_.Enable();
  now_ = wire::Clock::now();
  ring_.Poll(wake_.fd(), POLLIN, kWakeTag);
  ring_.Poll(engine_.context().lobby.offered_fd(), POLLIN, kOffersTag);
  if (!engine_.stopping()) OpenDoor();
  while (true) {
    ring_.Turn(NextTurn());
    now_ = wire::Clock::now();
    Heed();
    const auto handle = [this](const Completion& completion) { Handle(completion); };
    if (stopping_ && !stopped_) {
      ring_.ReapFirst(IsOfTheDoor, handle);  // nobody waits for those inside to be served
    } else {
      ring_.Reap(kCompletionsPerTurn, handle);
    }
    if (back_at_door_ && now_ >= *back_at_door_) {
      back_at_door_.reset();
      OpenDoor();
    }
    while (const std::optional<uint32_t> slot = wheel_.TakeDue(now_)) Due(*slot);

    const IoUringEngine::Phase phase = engine_.phase();
    // In step with what completes: cancels that find nothing complete too.
    if (phase == IoUringEngine::Phase::kLeaving && ring_.drained()) LetLeave();
    HandOverSlice();
    if (phase != IoUringEngine::Phase::kServing && table_.empty()) break;
  }
  // The last closes. Only want of memory can put them off.
  while (!ring_.Submit()) poll(nullptr, 0, 1);
}

std::optional<wire::TimePoint> IoUringWorker::NextTurn() const {
  // While it leaves, the next slice follows as soon as what is complete now was served.
  if (engine_.phase() == IoUringEngine::Phase::kLeaving && !leave_again_) return wire::TimePoint{};
  std::optional<wire::TimePoint> next = wheel_.NextDue();
  for (const std::optional<wire::TimePoint>& other : {back_at_door_, leave_again_}) {
    if (other && (!next || *other < *next)) next = other;
  }
  return next;
}

RingFile IoUringWorker::FileOf(uint32_t slot) {
  const auto& [connection, note] = table_.at(slot);
  if (note.place != kNoPlace) return {.number = note.place, .direct = true};
  return {.number = connection.fd.get(), .direct = false};
}

uint64_t IoUringWorker::TagOf(uint32_t slot, Request request) const {
  assert((slot & kRequestMask) == 0);
  return table_.TagOf(slot) | static_cast<uint64_t>(request) << kRequestShift;
}

void IoUringWorker::Handle(const Completion& completion) {
  const uint64_t tag = completion.tag;
  if ((tag & kOurs) == 0) {
    const std::optional<uint32_t> slot = table_.Find(tag & ~kRequestMask);
    assert(slot && "a request has outlived its connection");
    if (!slot) return;
    OnConnection(*slot, static_cast<Request>((tag & kRequestMask) >> kRequestShift), completion);
  } else if (tag == kWakeTag) {
    wake_.Clear();
    ring_.Poll(wake_.fd(), POLLIN, kWakeTag);
    Heed();  // after the clear: what is said later wakes again
  } else if (tag == kOffersTag) {
    TakeOffers();
  } else if (const auto listener = static_cast<uint32_t>(tag); (tag & kAcceptTag) == kAcceptTag) {
    OnAccepted(listener, completion);
  } else {
    OnAcceptCancelled(listener, completion);
  }
}

void IoUringWorker::OnConnection(uint32_t slot, Request request, const Completion& completion) {
  auto& [connection, note] = table_.at(slot);
  switch (request) {
    case Request::kSend:  // the receive behind it completes too: then it goes on
      if (completion.result <= 0) {
        if (!SaysNothing(completion.result)) connection.session.OnReset(now_);
        return;
      }
      return OnWritten(connection, static_cast<size_t>(completion.result), ledger(), now_);
    case Request::kReceive:
      return OnReceived(slot, completion);
    case Request::kPoll:
      if (note.leaving) return Detach(slot);
      return note.place == kNoPlace ? ServeNow(slot) : GoOn(slot);
    case Request::kInstall:
      return OnInstalled(slot, completion.result);
  }
}

void IoUringWorker::OnReceived(uint32_t slot, const Completion& completion) {
  auto& [connection, note] = table_.at(slot);
  const bool looked = !SaysNothing(completion.result);
  if (looked) {
    OnRead(connection, completion.bytes.data(), completion.result, ledger(), now_);
  }
  if (note.leaving && connection.session.need() != wire::Need::kEnd) return Detach(slot);
  const bool more = completion.result == static_cast<int32_t>(Ring::kBufferBytes) &&
                    connection.session.protocol().long_lived();
  // A full buffer: what lies behind it is read at once.
  if (!looked || more) return ServeNow(slot);
  GoOn(slot);
}

void IoUringWorker::OpenDoor() {
  if (stopping_) return;
  if (!MayAccept()) return StayAway();
  away_.store(false);
  full_ = false;
  for (size_t i = 0; i < accepting_.size(); ++i) {
    if (!accepting_[i]) Ask(i);
  }
}

bool IoUringWorker::MayAccept() {
  if (engine_.places() > 0 && placed_ >= engine_.places()) return false;
  const bool all_placed = engine_.places() > 0 && !has_long_lived_;
  return all_placed || engine_.context().door.MayAccept();
}

// What is long-lived has a descriptor, so that an answer of any size can be written.
bool IoUringWorker::IsPlaced(size_t listener) const {
  return engine_.places() > 0 && !doorway_.listeners[listener]->protocol().long_lived();
}

// Near the limit of descriptors, or of places, the kernel accepts one at a time, so that a burst
// cannot use up those that are reserved for others.
void IoUringWorker::Ask(size_t listener) {
  accepting_[listener] = true;
  ++accepting_count_;
  const bool placed = IsPlaced(listener);
  // Those that have a descriptor beside places are few: they need no standing accept.
  const bool standing = (placed || engine_.places() == 0) && HasRoom();
  ring_.Accept(doorway_.listeners[listener]->fd(), placed, standing, kAcceptTag | listener);
}

void IoUringWorker::OnAccepted(size_t listener, const Completion& completion) {
  if (!completion.more) {
    accepting_[listener] = false;
    --accepting_count_;
  }
  if (completion.result >= 0) {
    Admit(listener, completion.result);
    if (!MayAccept()) {
      full_ = engine_.places() > 0 && placed_ >= engine_.places();
      if (full_) engine_.context().door.LogNoPlace();
      StayAway();
    }
    // Again with each that comes: a cancel may miss an accept that is being made.
    if (completion.more && (back_at_door_ || !HasRoom())) ring_.Cancel(kAcceptTag | listener);
  } else if (completion.result != -ECANCELED) {
    const bool passes = engine_.context().door.AcceptFailed(-completion.result);
    if (!passes || ++broken_in_a_row_ >= kBrokenInARow) StayAway();
  }
  if (stopping_) return SayIfStopped();
  if (accepting_[listener]) return;
  if (!back_at_door_) return Ask(listener);
  if (completion.result == -ECANCELED) engine_.LookAgain();  // others may wait at it too
}

void IoUringWorker::Admit(size_t listener, int number) {
  broken_in_a_row_ = 0;
  back_off_.Reset();
  --room_left_;
  const bool placed = IsPlaced(listener);
  const int fd = placed ? Door::kWithoutFd : number;
  const uint32_t slot = Add(engine_.Admit(*doorway_.listeners[listener], fd, now_));
  if (placed) {
    table_.at(slot).note.place = number;
    ++placed_;
  }
  if (doorway_.listeners[listener]->protocol().long_lived()) return GoOn(slot);
  Receive(slot, false);  // message 1 is often there already
}

bool IoUringWorker::HasRoom() {
  if (engine_.places() > 0) return engine_.places() - placed_ > kRing.completions;
  if (room_left_ <= 0) {
    const int64_t share = engine_.context().door.Room() / engine_.context().options.workers;
    room_left_ = share - static_cast<int64_t>(kRing.completions);
  }
  return room_left_ > 0;
}

void IoUringWorker::StayAway() {
  if (back_at_door_) return;
  broken_in_a_row_ = 0;
  away_.store(true);
  back_at_door_ = now_ + back_off_.Next();
  for (size_t i = 0; i < accepting_.size(); ++i) {
    if (accepting_[i]) ring_.Cancel(kAcceptTag | i);
  }
}

void IoUringWorker::LookAgain() {
  if (away_.load()) return;  // what it asks for next looks
  look_again_.store(true);
  Wake();
}

void IoUringWorker::Heed() {
  if (engine_.stopping()) StopTaking();
  if (look_again_.exchange(false)) AskAnew();
}

// The kernel wakes one of the rings that wait at a listener. If that one stops before it has
// looked, the connection waits there and nobody knows: an accept that is asked for anew sees it.
void IoUringWorker::AskAnew() {
  if (back_at_door_ || stopping_) return;
  for (size_t i = 0; i < accepting_.size(); ++i) {
    if (accepting_[i]) ring_.Cancel(kAcceptTag | i);
  }
}

void IoUringWorker::FreePlace() {
  --placed_;
  if (std::exchange(full_, false)) back_at_door_ = now_;
}

void IoUringWorker::TakeOffers() {
  // Some in one turn; what is left is reported at once.
  for (size_t i = 0; i < IoUringEngine::kHandOverSlice && !engine_.stopping(); ++i) {
    std::optional<Connection> offered = engine_.TakeOffered();
    if (!offered) break;
    // The session may hold bytes, or be due, already.
    const Progress progress = engine_.Serve(*offered);
    if (progress != Progress::kEnded) Await(Add(*std::move(offered)), progress);
  }
  if (!engine_.stopping()) {
    ring_.Poll(engine_.context().lobby.offered_fd(), POLLIN, kOffersTag);
  }
}

// What the kernel has accepted by the time it has answered all is a live client, and taken. Only
// then is it certain that no more come.
void IoUringWorker::StopTaking() {
  if (stopping_) return;
  stopping_ = true;
  back_at_door_.reset();
  for (size_t i = 0; i < accepting_.size(); ++i) {
    if (!accepting_[i]) continue;
    ring_.Cancel(kAcceptTag | i, kAcceptCancelTag | i);
    ++cancels_unanswered_;
  }
  SayIfStopped();
}

void IoUringWorker::OnAcceptCancelled(size_t listener, const Completion& completion) {
  --cancels_unanswered_;
  if (completion.result < 0 && accepting_[listener]) {
    ring_.Cancel(kAcceptTag | listener, kAcceptCancelTag | listener);
    ++cancels_unanswered_;
  }
  SayIfStopped();
}

void IoUringWorker::SayIfStopped() {
  if (stopped_ || accepting_count_ > 0 || cancels_unanswered_ > 0) return;
  stopped_ = true;
  engine_.WorkerStopped();
}

void IoUringWorker::GoOn(uint32_t slot) {
  const wire::Session& session = table_.at(slot).connection.session;
  switch (session.need()) {
    case wire::Need::kRead:
      if (now_ >= session.deadline()) return ServeNow(slot);
      return Receive(slot, true);
    case wire::Need::kWrite:
      // An ERROR is the last that is said, and behind a long-lived session's answer there may be
      // the next: no receive follows these.
      return session.verdict() == wire::Verdict::kNone && !session.protocol().long_lived()
                 ? Reply(slot)
                 : ServeNow(slot);
    case wire::Need::kEnd:
      return session.ending() == wire::Ending::kClose ? End(slot) : ServeNow(slot);
    default:
      return ServeNow(slot);
  }
}

void IoUringWorker::Reply(uint32_t slot) {
  auto& [connection, note] = table_.at(slot);
  OnWriting(connection, ledger());
  char scratch[wire::Session::kScratchBytes];
  ring_.SendThenReceive(FileOf(slot), connection.session.Output(scratch),
                        TagOf(slot, Request::kSend), TagOf(slot, Request::kReceive));
  note.request = Request::kReceive;
  wheel_.ArmNoLater(slot, connection.session.deadline());
}

void IoUringWorker::Receive(uint32_t slot, bool nothing_there) {
  auto& [connection, note] = table_.at(slot);
  ring_.Receive(FileOf(slot), connection.session.ReadSize(), nothing_there,
                TagOf(slot, Request::kReceive));
  note.request = Request::kReceive;
  wheel_.ArmNoLater(slot, connection.session.deadline());
}

void IoUringWorker::ServeNow(uint32_t slot) {
  if (table_.at(slot).note.place != kNoPlace) return ServePlaced(slot);
  const Progress progress = engine_.Serve(table_.at(slot).connection);
  if (progress == Progress::kEnded) {
    Forget(slot);
  } else {
    Await(slot, progress);
  }
}

void IoUringWorker::ServePlaced(uint32_t slot) {
  auto& [connection, note] = table_.at(slot);
  const bool over =
      connection.session.verdict() != wire::Verdict::kNone || now_ >= connection.session.deadline();
  if (!over) return AwaitPlaced(slot);
  note.may_install = note.may_install || engine_.context().door.MayInstall();
  return note.may_install ? Install(slot) : JudgePlaced(slot);
}

void IoUringWorker::AwaitPlaced(uint32_t slot) {
  const bool writes = table_.at(slot).connection.session.need() == wire::Need::kWrite;
  Await(slot, writes ? Progress::kAwaitWritable : Progress::kAwaitReadable);
}

void IoUringWorker::Install(uint32_t slot) {
  Note& note = table_.at(slot).note;
  ring_.Install(note.place, TagOf(slot, Request::kInstall));
  note.request = Request::kInstall;
}

void IoUringWorker::OnInstalled(uint32_t slot, int result) {
  auto& [connection, note] = table_.at(slot);
  if (result < 0) {
    engine_.context().door.StaysWithoutFd();
    note.may_install = false;
    if (!std::exchange(note.leaving, false)) return JudgePlaced(slot);
    leave_again_ = now_ + kLeaveAgain;
    return GoOn(slot);
  }
  connection.fd.reset(result);
  ring_.Close({.number = std::exchange(note.place, kNoPlace), .direct = true});
  FreePlace();
  const bool over = connection.session.need() == wire::Need::kEnd;
  return note.leaving && !over ? Detach(slot) : ServeNow(slot);
}

// A farewell needs a descriptor: the peer of one that has failed is told by a reset alone.
void IoUringWorker::JudgePlaced(uint32_t slot) {
  wire::Session& session = table_.at(slot).connection.session;
  if (session.verdict() == wire::Verdict::kNone) session.OnTime(now_);
  if (session.verdict() == wire::Verdict::kNone) return AwaitPlaced(slot);  // it had moved
  EndPlaced(slot);
}

void IoUringWorker::EndPlaced(uint32_t slot) {
  const int place = table_.at(slot).note.place;
  engine_.End(Ended(slot), now_);
  ring_.Reset(place);
}

void IoUringWorker::Await(uint32_t slot, Progress progress) {
  auto& [connection, note] = table_.at(slot);
  if (connection.session.need() == wire::Need::kRead) return Receive(slot, true);
  const uint32_t events = progress == Progress::kAwaitWritable ? POLLOUT : POLLIN;
  ring_.Poll(FileOf(slot), events, TagOf(slot, Request::kPoll));
  note.request = Request::kPoll;
  wheel_.ArmNoLater(slot, connection.session.deadline());
}

// Counted first: when the peer sees the end of the stream, the ledger knows of it.
void IoUringWorker::End(uint32_t slot) {
  const RingFile file = FileOf(slot);
  Connection ended = Ended(slot);
  engine_.End(ended, now_);
  ended.fd.release();
  ring_.Close(file);
}

// Out of the table; its file is the caller's to close.
Connection IoUringWorker::Ended(uint32_t slot) {
  if (const Note& note = table_.at(slot).note; note.place != kNoPlace) {
    FreePlace();
    if (!note.may_install) engine_.context().door.EndedWithoutFd();
  }
  return Forget(slot);
}

void IoUringWorker::Due(uint32_t slot) {
  wire::TimePoint deadline = table_.at(slot).connection.session.deadline();
  if (now_ >= deadline) {
    // What has arrived counts: once the kernel lets go, Serve() looks, then judges.
    CancelRequest(slot);
    deadline = now_ + kCancelAgain;
  }
  wheel_.Arm(slot, deadline);  // it had moved, or is looked at again
}

void IoUringWorker::CancelRequest(uint32_t slot) {
  ring_.Cancel(TagOf(slot, table_.at(slot).note.request));
}

uint32_t IoUringWorker::Add(Connection&& connection) {
  return table_.Add(std::move(connection), Note{});  // its first request arms its deadline
}

Connection IoUringWorker::Forget(uint32_t slot) {
  wheel_.Cancel(slot);
  return table_.Remove(slot);
}

// Some more of those inside; each is served until its request is over.
void IoUringWorker::LetLeave() {
  if (leave_again_ && now_ < *leave_again_) return;
  leave_again_.reset();
  const bool closed = engine_.context().lobby.ClosedFor(now_).has_value();
  const size_t count = std::min(IoUringEngine::kHandOverSlice, table_.size());
  for (size_t i = 0; i < count; ++i, ++leave_at_) {
    leave_at_ = table_.NextInUse(leave_at_);
    Note& note = table_.at(leave_at_).note;
    if (note.place != kNoPlace && !note.may_install && !closed) {
      note.may_install = engine_.context().door.MayInstall();
      if (!note.may_install) {
        leave_again_ = now_ + kLeaveAgain;
        continue;
      }
    }
    note.leaving = true;
    CancelRequest(leave_at_);
  }
}

void IoUringWorker::Detach(uint32_t slot) {
  auto& [connection, note] = table_.at(slot);
  if (note.place != kNoPlace) {
    if (note.may_install) return Install(slot);
    // The lobby would end it at once: for that it needs no descriptor.
    connection.session.Abort(*engine_.context().lobby.ClosedFor(now_));
    return EndPlaced(slot);
  }
  if (slice_.empty()) detached_at_ = wire::Clock::now();
  slice_.push_back(Forget(slot));
  if (slice_.size() == IoUringEngine::kHandOverSlice) HandOverSlice();
}

void IoUringWorker::HandOverSlice() {
  if (slice_.empty()) return;
  engine_.HandOver(slice_, detached_at_);
  slice_.clear();
}

}  // namespace handshake::server

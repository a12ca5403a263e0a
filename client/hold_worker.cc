#include "client/hold_worker.h"

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
using wire::TimePoint;
using wire::Verdict;

constexpr uint64_t kHoldBeganTag = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kHoldCutTag = kHoldBeganTag - 1;

bool RanOutOfTime(Verdict verdict) {
  return verdict == Verdict::kConnectTimeout || verdict == Verdict::kTimeoutStep1 ||
         verdict == Verdict::kTimeoutStep2;
}

}  // namespace

HoldWorker::HoldWorker(const HoldPlan& plan, HoldTally& tally, int64_t first, int64_t share)
    : plan_(plan),
      tally_(tally),
      first_(first),
      wheel_(Clock::now()),
      connections_(static_cast<size_t>(share)) {}

absl::Status HoldWorker::Open() {
  if (absl::Status status = reactor_.Open(); !status.ok()) return status;
  for (const auto& [fd, tag] : {std::pair(plan_.board.hold_began.fd(), kHoldBeganTag),
                                std::pair(plan_.board.hold_cut.fd(), kHoldCutTag)}) {
    if (const int error = reactor_.Watch(fd, tag, net::Reactor::kReadable)) {
      return absl::ErrnoToStatus(error, "epoll_ctl");
    }
  }
  return absl::OkStatus();
}

void HoldWorker::Run() {
  while (true) {
    finishing_ = Clock::now() >= plan_.board.finish_at.Get();
    BeginMore();
    if (Over()) return;
    TimePoint look = MoreToBegin() ? Clock::now() : wheel_.NextDue().value_or(TimePoint::max());
    if (!finishing_) look = std::min(look, plan_.board.finish_at.Get());
    for (const net::Reactor::Event& event : reactor_.Wait(look)) OnEvent(event);
    const TimePoint now = Clock::now();
    while (const std::optional<uint32_t> id = wheel_.TakeDue(now)) OnDue(*id);
  }
}

bool HoldWorker::MoreToBegin() const {
  if (under_way_ >= plan_.at_once) return false;
  return finishing_ ? to_finish_ < fresh_ : fresh_ < connections_.size();
}

void HoldWorker::BeginMore() {
  // Not for ever: a dead target ends each at once.
  for (uint32_t n = 0; n < plan_.at_once && MoreToBegin(); ++n) {
    if (!finishing_) {
      Begin(fresh_++);
    } else if (const uint32_t id = to_finish_++; connections_[id].phase == Phase::kHeld) {
      ++under_way_;
      Finish(id);
    }
  }
}

void HoldWorker::Begin(uint32_t id) {
  ++under_way_;
  Dialled dialled = StartConnect(plan_.spec.target, plan_.sources.For(first_ + id));
  if (dialled.error != 0) return End(id, VerdictOfConnectError(dialled.error));
  connections_[id].fd = std::move(dialled.fd);
  wheel_.Arm(id, Clock::now() + plan_.spec.connect_timeout);
  ContinueConnect(id);  // on loopback it usually stands already
}

void HoldWorker::ContinueConnect(uint32_t id) {
  Connection& connection = connections_[id];
  const int error = ConnectProgress(connection.fd.get(), plan_.spec.target);
  if (error == EALREADY) return Await(id, net::Reactor::kWritable);
  if (error != 0) return End(id, VerdictOfConnectError(error));
  connection.phase = Phase::kOpening;
  connection.handshake.emplace(plan_.spec.handshake, first_ + id + 1, Clock::now());
  Converse(id, false);
}

void HoldWorker::Converse(uint32_t id, bool may_read) {
  Connection& connection = connections_[id];
  wire::ClientHandshake& handshake = *connection.handshake;
  while (handshake.need() != Need::kEnd) {
    if (connection.phase == Phase::kOpening && handshake.need() == Need::kProbe) return Opened(id);
    // An answer takes a round trip: reading behind a write would come too early.
    const bool reads = handshake.need() == Need::kRead;
    const bool stepped = (!reads || may_read) && TakeStep(handshake, connection.fd.get());
    if (!stepped) {
      const bool writes = handshake.need() == Need::kWrite;
      if (connection.phase == Phase::kOpening) wheel_.Arm(id, handshake.deadline());
      return Await(id, writes ? net::Reactor::kWritable : net::Reactor::kReadable);
    }
    if (reads) may_read = false;
  }
  End(id, handshake.verdict());
}

void HoldWorker::Opened(uint32_t id) {
  connections_[id].phase = Phase::kHeld;
  out_of_time_ = 0;
  tally_.CountOpened();
  plan_.board.Settle(1);
  wheel_.Cancel(id);
  if (finishing_) return Finish(id);  // the hold was cut short meanwhile
  --under_way_;
}

void HoldWorker::Finish(uint32_t id) {
  connections_[id].phase = Phase::kFinishing;
  // The session's own step began when message 2 was read and has outlived the hold.
  wheel_.Arm(id, Clock::now() + plan_.spec.handshake.step_timeout);
  Converse(id, false);
}

void HoldWorker::OnEvent(const net::Reactor::Event& event) {
  if (event.tag == kHoldBeganTag || event.tag == kHoldCutTag) {
    // Stays raised, for the others too; the loop looks at the board.
    const bool began = event.tag == kHoldBeganTag;
    reactor_.Unwatch((began ? plan_.board.hold_began : plan_.board.hold_cut).fd());
    return;
  }
  const auto id = static_cast<uint32_t>(event.tag);
  Connection& connection = connections_[id];
  switch (connection.phase) {
    case Phase::kConnecting:
      return ContinueConnect(id);
    case Phase::kOpening:
    case Phase::kFinishing:
      return Converse(id, true);
    case Phase::kHeld:  // nothing is to come now: an ERROR, or the end
      TakeStep(*connection.handshake, connection.fd.get());
      if (connection.handshake->need() == Need::kEnd) End(id, connection.handshake->verdict());
      return;
    case Phase::kEnded:
      return;
  }
}

void HoldWorker::OnDue(uint32_t id) {
  Connection& connection = connections_[id];
  if (connection.phase == Phase::kConnecting) return End(id, Verdict::kConnectTimeout);
  Converse(id, true);  // what arrived in time counts
  if (connection.phase != Phase::kOpening && connection.phase != Phase::kFinishing) return;
  connection.handshake->OnTime(Clock::now());
  Converse(id, false);
}

void HoldWorker::Await(uint32_t id, uint32_t what) {
  Connection& connection = connections_[id];
  if (connection.watched == what) return;
  const int fd = connection.fd.get();
  const int error =
      connection.watched == 0 ? reactor_.Watch(fd, id, what) : reactor_.Rewatch(fd, id, what);
  connection.watched = static_cast<uint8_t>(what);
  if (error != 0) End(id, Verdict::kNoLocalResource);
}

void HoldWorker::End(uint32_t id, Verdict verdict) {
  Connection& connection = connections_[id];
  const Phase phase = std::exchange(connection.phase, Phase::kEnded);
  if (connection.fd) {
    CloseAs(verdict == Verdict::kOk ? wire::Ending::kClose : wire::Ending::kReset, connection.fd);
  }
  wheel_.Cancel(id);
  if (phase != Phase::kHeld) --under_way_;
  ++ended_;
  tally_.CountEnded(verdict, phase == Phase::kHeld, Clock::now());
  if (phase == Phase::kConnecting || phase == Phase::kOpening) NotOpened(verdict);
}

// A server that takes no more lets each wait until its deadline: a whole round of these, with none
// opened meanwhile, tells as much as thousands of them.
void HoldWorker::NotOpened(Verdict verdict) {
  plan_.board.Settle(1);
  if (!RanOutOfTime(verdict) || ++out_of_time_ < plan_.at_once) return;
  const auto untried = static_cast<int64_t>(connections_.size() - fresh_);
  if (untried == 0) return;
  connections_.resize(fresh_);
  tally_.CountUntried(untried);
  plan_.board.Settle(untried);
}

}  // namespace handshake::client

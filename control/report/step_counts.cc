#include "control/report/step_counts.h"

#include <algorithm>

#include "control/report/humane.h"

namespace handshake::report {
namespace {

constexpr int kSteps = 3;

// The last step that a handshake finished: between these; 0 is none.
struct LastStep {
  int least = 0;
  int most = kSteps;
};

constexpr LastStep Exactly(int step) { return {.least = step, .most = step}; }

LastStep OfClient(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_MALFORMED:
    case v1::VERDICT_OVERSIZE:
    case v1::VERDICT_OVERFLOW:
    case v1::VERDICT_MISMATCH:
      return Exactly(1);
    case v1::VERDICT_TRAILING_DATA:
      return {.least = 1, .most = 2};
    case v1::VERDICT_PEER_ERROR:
      return {.least = 1, .most = kSteps};
    case v1::VERDICT_UNCONFIRMED:
      return Exactly(kSteps);
    case v1::VERDICT_CONNECT_REFUSED:
    case v1::VERDICT_CONNECT_TIMEOUT:
    case v1::VERDICT_UNREACHABLE:
    case v1::VERDICT_NO_LOCAL_RESOURCE:
      return Exactly(0);
    default:
      return {};
  }
}

LastStep OfServer(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_EARLY_DATA:
      return Exactly(0);
    case v1::VERDICT_MISMATCH:
    case v1::VERDICT_TRAILING_DATA:
      return Exactly(kSteps - 1);
    default:
      return {.least = 0, .most = kSteps - 1};
  }
}

LastStep LastStepOf(LedgerEnd end, v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_TIMEOUT_STEP_1:
    case v1::VERDICT_PEER_GONE_STEP_1:
    case v1::VERDICT_PEER_RESET_STEP_1:
      return Exactly(0);
    case v1::VERDICT_TIMEOUT_STEP_2:
    case v1::VERDICT_PEER_GONE_STEP_2:
    case v1::VERDICT_PEER_RESET_STEP_2:
      return Exactly(1);
    case v1::VERDICT_TIMEOUT_STEP_3:
    case v1::VERDICT_PEER_GONE_STEP_3:
    case v1::VERDICT_PEER_RESET_STEP_3:
      return Exactly(2);
    default:
      return end == LedgerEnd::kClient ? OfClient(verdict) : OfServer(verdict);
  }
}

}  // namespace

void SetSteps(LedgerEnd end, v1::HandshakeCounts& counts) {
  counts.clear_steps();
  for (int step = 1; step <= kSteps; ++step) {
    int64_t finished = counts.ok_count();
    int64_t untold = std::max<int64_t>(counts.in_flight_count(), 0);
    for (const v1::VerdictCount& failure : counts.failures()) {
      const LastStep last = LastStepOf(end, failure.verdict());
      if (last.least >= step) {
        finished = Sum(finished, failure.count());
      } else if (last.most >= step) {
        untold = Sum(untold, failure.count());
      }
    }
    v1::StepCount& to = *counts.add_steps();
    to.set_finished_count(finished);
    to.set_untold_count(untold);
  }
}

}  // namespace handshake::report

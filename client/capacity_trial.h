// Whether a trial of a capacity search passed.
#ifndef HANDSHAKE_CLIENT_CAPACITY_TRIAL_H_
#define HANDSHAKE_CLIENT_CAPACITY_TRIAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/capacity_search.h"
#include "client/condition.h"
#include "client/hold_run.h"
#include "client/load_run.h"

namespace handshake::client {

struct TrialJudgement {
  TrialOutcome outcome = TrialOutcome::kFailed;
  std::string why;  // for people; empty if it passed
};

// Of an open loop that has ended. It passed if all that is wanted holds, each handshake begun has
// ended, and, unless a condition speaks of it, no arrival was dropped. One that was given up
// failed. Where it did not pass, and the generator was late or could not send, nothing is told of
// the server.
TrialJudgement JudgeTrial(const std::vector<Condition>& wanted, const LoadReport& report);

// The one metric that a hold has.
inline constexpr Metric kHoldMetric = Metric::kErrors;

// Of a hold that has ended: all connections stood at once, and the errors of those asked for are as
// wanted, 0 if nothing is.
TrialJudgement JudgeTrial(const std::vector<Condition>& wanted, const HoldReport& report,
                          int64_t asked);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_CAPACITY_TRIAL_H_

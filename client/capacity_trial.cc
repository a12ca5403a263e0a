#include "client/capacity_trial.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "client/bottleneck.h"

namespace handshake::client {
namespace {

// The first that does not hold, with what was measured; empty: all hold.
std::string FirstUnmet(const std::vector<Condition>& wanted, const LoadReport& report) {
  for (const Condition& condition : wanted) {
    if (!Holds(condition, report).value_or(false)) return Explain(condition, report);
  }
  return "";
}

std::string WhatIsWrong(const std::vector<Condition>& wanted, const LoadReport& report) {
  if (const std::string unmet = FirstUnmet(wanted, report); !unmet.empty()) return unmet;
  const auto asks_dropped = [](const Condition& c) { return c.metric == Metric::kDropped; };
  if (report.dropped > 0 && std::none_of(wanted.begin(), wanted.end(), asks_dropped)) {
    return absl::StrFormat("%d arrivals found too many handshakes open", report.dropped);
  }
  if (report.in_flight > 0) {
    return absl::StrFormat("%d handshakes had not ended a second later", report.in_flight);
  }
  return "";
}

}  // namespace

TrialJudgement JudgeTrial(const std::vector<Condition>& wanted, const LoadReport& report) {
  if (!report.given_up.empty()) return {TrialOutcome::kFailed, report.given_up};
  const std::string wrong = WhatIsWrong(wanted, report);
  const bool sent = report.unsent() * 100 <= report.planned;
  if (sent && wrong.empty()) return {TrialOutcome::kPassed, ""};
  if (!sent) {
    return {TrialOutcome::kGeneratorLimited,
            absl::StrFormat("%d of %d arrivals were not sent in time", report.unsent(),
                            report.planned)};
  }
  if (report.judgement.bottleneck == Bottleneck::kGenerator) {
    return {TrialOutcome::kGeneratorLimited, report.judgement.why};
  }
  return {TrialOutcome::kFailed, wrong};
}

TrialJudgement JudgeTrial(const std::vector<Condition>& wanted, const HoldReport& report,
                          int64_t asked) {
  if (report.dead_processes > 0 ||
      report.ended[static_cast<size_t>(wire::Verdict::kNoLocalResource)] > 0) {
    return {TrialOutcome::kGeneratorLimited,
            absl::StrFormat("%d connections found no port, descriptor or memory here",
                            report.ended[static_cast<size_t>(wire::Verdict::kNoLocalResource)])};
  }
  LoadReport errors;
  errors.ended[static_cast<size_t>(wire::Verdict::kOk)] = report.finished();
  // One verdict stands for all that went wrong, and for what was not tried.
  errors.ended[static_cast<size_t>(wire::Verdict::kPeerGoneStep2)] = asked - report.finished();
  std::string wrong = FirstUnmet(wanted, errors);
  if (wanted.empty() && errors.failed() > 0) wrong = "not all finished";
  if (wrong.empty()) return {TrialOutcome::kPassed, ""};
  return {TrialOutcome::kFailed, absl::StrFormat("%s (%d of %d opened, %d lost while held)", wrong,
                                                 report.opened, asked, report.lost)};
}

}  // namespace handshake::client

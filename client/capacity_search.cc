#include "client/capacity_search.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace handshake::client {
namespace {

constexpr int64_t kLeast = 1;

int64_t Part(int64_t load, double part) {
  const double step = std::floor(static_cast<double>(load) * part);
  return std::clamp<int64_t>(static_cast<int64_t>(step), 1, load);
}

}  // namespace

CapacitySearch::CapacitySearch(const SearchBounds& bounds)
    : bounds_(bounds), next_{.load = bounds.from, .stage = SearchStage::kGrow} {}

std::optional<Trial> CapacitySearch::Next() const {
  return end_ ? std::nullopt : std::optional(next_);
}

void CapacitySearch::Tell(TrialOutcome outcome) {
  assert(!end_);
  ++trials_;
  if (outcome == TrialOutcome::kPassed) {
    passed_ = next_.load;
    if (next_.stage == SearchStage::kProve) proven_ = next_.load;
  } else {
    failed_ = next_.load;
    generator_failed_ = outcome == TrialOutcome::kGeneratorLimited;
  }
  if (proven_) {
    end_ = !failed_            ? SearchEnd::kLimitReached
           : generator_failed_ ? SearchEnd::kGeneratorLimited
                               : SearchEnd::kFound;
  } else if (failed_ == kLeast) {
    end_ = generator_failed_ ? SearchEnd::kGeneratorLimited : SearchEnd::kNothingPassed;
  } else if (trials_ == bounds_.most_trials) {
    end_ = SearchEnd::kUndecided;
  } else if (next_.stage == SearchStage::kProve) {
    GoDown(next_.load);
  } else {
    GoOn();
  }
}

void CapacitySearch::GoOn() {
  if (!passed_) {
    next_ = {.load = *failed_ / 2, .stage = SearchStage::kGrow};
  } else if (!failed_ && *passed_ < bounds_.to) {
    next_ = {.load = std::min(*passed_ * 2, bounds_.to), .stage = SearchStage::kGrow};
  } else if (!failed_ || *failed_ - *passed_ <= Part(*passed_, bounds_.precision)) {
    next_ = {.load = *passed_, .stage = SearchStage::kProve};
  } else {
    next_ = {.load = *passed_ + (*failed_ - *passed_) / 2, .stage = SearchStage::kBisect};
  }
}

void CapacitySearch::GoDown(int64_t failed) {
  // In steps that double: what passes for a moment may be far above what holds.
  const double part = bounds_.precision * std::exp2(static_cast<double>(failed_proofs_++));
  next_ = {.load = std::max(failed - Part(failed, part), kLeast), .stage = SearchStage::kProve};
  passed_.reset();
}

}  // namespace handshake::client

#include "client/load_control.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace handshake::client {
namespace {

using std::chrono::nanoseconds;

// An open loop without an end goes on this long, which no run does.
constexpr std::chrono::hours kNoEnd{24 * 365};

std::vector<RateStage> Held(double rate, nanoseconds length) {
  return {{.length = length, .from = rate, .to = rate}};
}

std::vector<RateStage> StagesOf(const LoadSpec& spec) {
  if (!spec.open) return {};
  if (!spec.open->stages.empty()) return spec.open->stages;
  return Held(spec.open->rate, spec.duration.value_or(kNoEnd));
}

}  // namespace

LoadControl::LoadControl(const LoadSpec& spec)
    : open_(spec.open.has_value()),
      staged_(open_ && !spec.open->stages.empty()),
      warmup_(spec.warmup),
      asked_(StagesOf(spec)),
      profile_(std::make_shared<const RateProfile>(asked_)),
      rate_(open_ ? spec.open->rate : 0),
      concurrency_(open_ ? 0 : spec.concurrency),
      most_concurrency_(concurrency_) {}

absl::Status LoadControl::Change(const LoadChange& change, nanoseconds now) {
  const std::lock_guard lock(mutex_);
  if (absl::Status status = Check(change); !status.ok()) return status;
  const bool sets_rate = change.rate && *change.rate != rate_;
  const bool sets_concurrency = change.concurrency && *change.concurrency != concurrency_;
  const bool sets_paused = change.paused && *change.paused != paused_;
  if (!sets_rate && !sets_concurrency && !sets_paused) return absl::OkStatus();
  if (++changes_ > kMostChanges) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("a run can be changed %d times: start another one", kMostChanges));
  }
  if (sets_rate) SetRate(*change.rate, now);
  if (sets_concurrency) {
    Record(absl::StrFormat("concurrency %d -> %d", concurrency_, *change.concurrency), now);
    concurrency_ = *change.concurrency;
    most_concurrency_ = std::max(most_concurrency_, concurrency_);
  }
  if (sets_paused) SetPaused(*change.paused, now);
  if (open_) Replan(now);
  version_.fetch_add(1, std::memory_order_release);
  return absl::OkStatus();
}

void LoadControl::Note(std::string text, nanoseconds now) {
  const std::lock_guard lock(mutex_);
  Record(std::move(text), now);
}

LoadSettings LoadControl::settings() const {
  const std::lock_guard lock(mutex_);
  return {.profile = profile_, .concurrency = paused_ ? 0 : concurrency_};
}

void LoadControl::AddTo(LoadReport& report) const {
  const std::lock_guard lock(mutex_);
  report.rate = rate_;
  report.concurrency = concurrency_;
  report.most_concurrency = most_concurrency_;
  report.paused = paused_ && !report.done;
  report.paused_time = paused_time_;
  if (paused_) report.paused_time += Measured(paused_at_, report.elapsed);
  report.events = events_;
  report.event_count = event_count_;
}

absl::Status LoadControl::Check(const LoadChange& change) const {
  if (change.concurrency && open_) {
    return absl::FailedPreconditionError(
        "the run is an open loop, which has a rate and no concurrency: change its rate");
  }
  if (change.rate && !open_) {
    return absl::FailedPreconditionError(
        "the run is a closed loop, which has no rate: change its concurrency");
  }
  if (change.rate && staged_) {
    return absl::FailedPreconditionError(
        "the run's rate goes in stages and cannot be set; it can be paused");
  }
  return absl::OkStatus();
}

void LoadControl::SetRate(double rate, nanoseconds now) {
  Record(absl::StrFormat("rate %.10g -> %.10g", rate_, rate), now);
  rate_ = rate;
  asked_ = asked_.ChangedAt(now, RateProfile(Held(rate, asked_.length())));
}

void LoadControl::SetPaused(bool paused, nanoseconds now) {
  Record(paused ? "paused" : "resumed", now);
  if (!paused) paused_time_ += Measured(paused_at_, now);
  paused_ = paused;
  paused_at_ = now;
}

void LoadControl::Replan(nanoseconds now) {
  const RateProfile& rest = paused_ ? RateProfile(Held(0, asked_.length())) : asked_;
  profile_ = std::make_shared<const RateProfile>(profile_->ChangedAt(now, rest));
}

void LoadControl::Record(std::string text, nanoseconds now) {
  ++event_count_;
  if (events_.size() < kMostEvents) events_.push_back({.elapsed = now, .text = std::move(text)});
}

nanoseconds LoadControl::Measured(nanoseconds from, nanoseconds to) const {
  return std::max(to - std::max(from, warmup_), nanoseconds(0));
}

}  // namespace handshake::client

#include "control/services/load_spec.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "client/condition.h"
#include "client/rate_stage.h"
#include "common/text/duration.h"
#include "control/rpc/limits.h"
#include "control/services/convert.h"

namespace handshake::control {
namespace {

// Of a checked duration.
std::chrono::nanoseconds Nanoseconds(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

absl::Status CheckCount(int64_t count, std::string_view field, int64_t cap) {
  if (count < 0) {
    return absl::InvalidArgumentError(absl::StrFormat("%s must not be negative", field));
  }
  if (count > cap) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s is %d: the cap is %d", field, count, cap));
  }
  return absl::OkStatus();
}

constexpr double kFewestInFlight = 100;  // of the default

constexpr int kMaxStages = 100;
constexpr int kMaxConditions = 16;  // of a kind

// Of checked stages.
std::vector<client::RateStage> StagesOf(const v1::LoadSpec& checked) {
  std::vector<client::RateStage> stages;
  for (const std::string& stage : checked.stages()) {
    stages.push_back(*client::ParseRateStage(stage));
  }
  return stages;
}

absl::Status CheckStage(int index, const std::string& text, std::chrono::nanoseconds longest) {
  const auto stage = client::ParseRateStage(text);
  if (!stage.ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("spec.stages[%d]: %s", index, std::string(stage.status().message())));
  }
  if (const double peak = std::max(stage->from, stage->to); peak > kMaxLoadRate) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "spec.stages[%d] reaches %g a second: the cap is %g", index, peak, kMaxLoadRate));
  }
  if (stage->length > longest) {  // so that their sum is a duration
    return absl::ResourceExhaustedError(absl::StrFormat("spec.stages[%d]: the cap on all is %s",
                                                        index, text::FormatDuration(longest)));
  }
  return absl::OkStatus();
}

absl::Status CheckStages(const v1::LoadSpec& spec, std::chrono::nanoseconds longest) {
  if (spec.stages().empty()) return absl::OkStatus();
  if (spec.rate_per_second() != 0) {
    return absl::InvalidArgumentError("spec.stages or spec.rate_per_second, not both");
  }
  if (spec.stages_size() > kMaxStages) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("spec.stages has %d: the cap is %d", spec.stages_size(), kMaxStages));
  }
  for (int i = 0; i < spec.stages_size(); ++i) {
    if (absl::Status stage = CheckStage(i, spec.stages(i), longest); !stage.ok()) return stage;
  }
  const client::RateProfile profile(StagesOf(spec));
  if (profile.peak() == 0) {
    return absl::InvalidArgumentError("spec.stages: one at least must have a rate above 0");
  }
  if (profile.length() > longest) {
    return absl::ResourceExhaustedError(absl::StrFormat("spec.stages last %s: the cap is %s",
                                                        text::FormatDuration(profile.length()),
                                                        text::FormatDuration(longest)));
  }
  if (spec.has_duration() && Nanoseconds(spec.duration()) != profile.length()) {
    return absl::InvalidArgumentError(
        "spec.stages say how long the run is: leave spec.duration out");
  }
  return absl::OkStatus();
}

using Texts = google::protobuf::RepeatedPtrField<std::string>;

absl::Status CheckConditions(const Texts& conditions, std::string_view field) {
  if (conditions.size() > kMaxConditions) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s has %d: the cap is %d", field, conditions.size(), kMaxConditions));
  }
  for (int i = 0; i < conditions.size(); ++i) {
    const auto condition = client::ParseCondition(conditions[i]);
    if (condition.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("%s[%d]: %s", field, i, std::string(condition.status().message())));
  }
  return absl::OkStatus();
}

// Of checked ones.
std::vector<client::Condition> ConditionsOf(const Texts& texts) {
  std::vector<client::Condition> conditions;
  for (const std::string& text : texts) conditions.push_back(*client::ParseCondition(text));
  return conditions;
}

// Of a spec that is checked but for this.
absl::Status CheckWarmup(const v1::LoadSpec& spec) {
  if (!spec.has_warmup_time()) return absl::OkStatus();
  return FromProto(spec.warmup_time(), "spec.warmup_time", std::chrono::nanoseconds(0),
                   Nanoseconds(spec.duration()) - std::chrono::nanoseconds(1))
      .status();
}

// What belongs to the other kind of loop is refused, not ignored.
absl::Status CheckOpen(const v1::LoadSpec& spec, std::chrono::nanoseconds longest) {
  if (absl::Status stages = CheckStages(spec, longest); !stages.ok()) return stages;
  if (!std::isfinite(spec.rate_per_second()) || spec.rate_per_second() < 0) {
    return absl::InvalidArgumentError("spec.rate_per_second must be a number above 0");
  }
  if (spec.rate_per_second() > kMaxLoadRate) {
    return absl::ResourceExhaustedError(absl::StrFormat("spec.rate_per_second is %g: the cap is %g",
                                                        spec.rate_per_second(), kMaxLoadRate));
  }
  if (spec.concurrency() != 0) {
    return absl::InvalidArgumentError(
        "spec.concurrency is of a closed loop: with spec.rate_per_second, bound what is in flight "
        "by spec.max_in_flight_count");
  }
  if (spec.has_think_time()) {
    return absl::InvalidArgumentError("spec.think_time is of a closed loop");
  }
  if (!v1::LoadSpec::Arrivals_IsValid(spec.arrivals())) {
    return absl::InvalidArgumentError("spec.arrivals must be POISSON or EVEN");
  }
  return CheckCount(spec.max_in_flight_count(), "spec.max_in_flight_count", kMaxLoadConnections);
}

absl::Status CheckClosed(const v1::LoadSpec& spec) {
  if (spec.arrivals() != v1::LoadSpec::ARRIVALS_UNSPECIFIED || spec.seed() != 0 ||
      spec.max_in_flight_count() != 0) {
    return absl::InvalidArgumentError(
        "spec.arrivals, seed and max_in_flight_count are of an open loop: set "
        "spec.rate_per_second");
  }
  if (spec.has_think_time()) {
    const auto think = FromProto(spec.think_time(), "spec.think_time", std::chrono::nanoseconds(0),
                                 kMaxLoadThinkTime);
    if (!think.ok()) return think.status();
  }
  return CheckCount(spec.concurrency(), "spec.concurrency", kMaxLoadConnections);
}

absl::Status CheckSamples(const v1::LoadSpec& spec) {
  if (spec.sequence_stride() < 0 || (spec.sequence_stride() == 0) != (spec.sample_count() == 0)) {
    return absl::InvalidArgumentError(
        "spec.sequence_stride must be at least 1 with spec.sample_count, and not be without it");
  }
  return CheckCount(spec.sample_count(), "spec.sample_count", kMaxLoadSamples);
}

absl::Status CheckDuration(const google::protobuf::Duration& duration,
                           std::chrono::nanoseconds longest) {
  const auto value = FromProto(duration, "spec.duration", std::chrono::milliseconds(1),
                               std::chrono::hours(24 * 365));
  if (!value.ok()) return value.status();
  if (*value > longest) {
    return absl::ResourceExhaustedError(absl::StrFormat("spec.duration is %s: the cap is %s",
                                                        text::FormatDuration(*value),
                                                        text::FormatDuration(longest)));
  }
  return absl::OkStatus();
}

void FillOpenDefaults(v1::LoadSpec& spec) {
  if (spec.arrivals() == v1::LoadSpec::ARRIVALS_UNSPECIFIED) {
    spec.set_arrivals(v1::LoadSpec::ARRIVALS_POISSON);
  }
  if (spec.max_in_flight_count() != 0) return;
  const double second = std::ceil(PeakRate(spec));
  spec.set_max_in_flight_count(static_cast<int64_t>(
      std::clamp(second, kFewestInFlight, static_cast<double>(kMaxLoadConnections))));
}

void FillDefaults(v1::LoadSpec& spec, std::chrono::nanoseconds longest) {
  if (!spec.stages().empty()) {
    *spec.mutable_duration() = ToProto(client::RateProfile(StagesOf(spec)).length());
  }
  if (IsOpenLoop(spec)) {
    FillOpenDefaults(spec);
  } else if (spec.concurrency() == 0) {
    spec.set_concurrency(1);
  }
  if (!spec.has_duration()) *spec.mutable_duration() = ToProto(longest);
  if (spec.handshake_count() == 0) spec.set_handshake_count(kMaxLoadHandshakes);
  if (spec.framing() == v1::FRAMING_UNSPECIFIED) spec.set_framing(v1::FRAMING_LINE);
}

}  // namespace

absl::StatusOr<v1::LoadSpec> CheckLoadSpec(const v1::LoadSpec& spec,
                                           std::chrono::nanoseconds longest) {
  if (spec.target().empty()) {
    return absl::InvalidArgumentError("spec.target is required: HOST:PORT, as in 127.0.0.1:7000");
  }
  if (!spec.has_duration() && spec.handshake_count() == 0 && spec.stages().empty()) {
    return absl::InvalidArgumentError(
        "spec.duration, spec.handshake_count or spec.stages is required");
  }
  absl::Status ok = IsOpenLoop(spec) ? CheckOpen(spec, longest) : CheckClosed(spec);
  if (!ok.ok()) return ok;
  ok = CheckCount(spec.handshake_count(), "spec.handshake_count", kMaxLoadHandshakes);
  if (!ok.ok()) return ok;
  if (spec.has_duration()) {
    if (ok = CheckDuration(spec.duration(), longest); !ok.ok()) return ok;
  }
  if (spec.framing() != v1::FRAMING_UNSPECIFIED && spec.framing() != v1::FRAMING_LINE &&
      spec.framing() != v1::FRAMING_BARE) {
    return absl::InvalidArgumentError("spec.framing must be LINE or BARE");
  }
  if (ok = CheckSamples(spec); !ok.ok()) return ok;
  if (ok = CheckConditions(spec.fail_if(), "spec.fail_if"); !ok.ok()) return ok;
  if (ok = CheckConditions(spec.stop_if(), "spec.stop_if"); !ok.ok()) return ok;
  v1::LoadSpec checked = spec;
  FillDefaults(checked, longest);
  if (ok = CheckWarmup(checked); !ok.ok()) return ok;
  return checked;
}

client::LoadSpec ToClientSpec(const v1::LoadSpec& checked, const net::Address& target) {
  client::LoadSpec spec;
  spec.target = target;
  spec.duration = Nanoseconds(checked.duration());
  spec.count = checked.handshake_count();
  spec.handshake.framing = *FromProto(checked.framing());
  spec.warmup = Nanoseconds(checked.warmup_time());
  spec.fail_if = ConditionsOf(checked.fail_if());
  spec.stop_if = ConditionsOf(checked.stop_if());
  spec.samples = checked.sample_count();
  spec.sample_stride = std::max<int64_t>(checked.sequence_stride(), 1);
  if (IsOpenLoop(checked)) {
    spec.open = {.rate = checked.rate_per_second(),
                 .stages = StagesOf(checked),
                 .arrivals = checked.arrivals() == v1::LoadSpec::ARRIVALS_EVEN
                                 ? client::Arrivals::kEven
                                 : client::Arrivals::kPoisson,
                 .seed = static_cast<uint64_t>(checked.seed()),
                 .max_in_flight = checked.max_in_flight_count()};
  } else {
    spec.concurrency = checked.concurrency();
    spec.think_time = Nanoseconds(checked.think_time());
  }
  return spec;
}

v1::LoadSpec ToProto(const client::LoadSpec& spec) {
  v1::LoadSpec to;
  to.set_target(spec.target.ToString());
  if (spec.duration) *to.mutable_duration() = ToProto(*spec.duration);
  if (spec.count) to.set_handshake_count(*spec.count);
  to.set_framing(ToProto(spec.handshake.framing));
  for (const client::Condition& condition : spec.fail_if) to.add_fail_if(condition.text);
  for (const client::Condition& condition : spec.stop_if) to.add_stop_if(condition.text);
  if (spec.warmup.count() > 0) *to.mutable_warmup_time() = ToProto(spec.warmup);
  if (spec.open) {
    to.set_rate_per_second(spec.open->rate);
    for (const client::RateStage& stage : spec.open->stages) {
      to.add_stages(client::FormatRateStage(stage));
    }
    to.set_arrivals(spec.open->arrivals == client::Arrivals::kEven
                        ? v1::LoadSpec::ARRIVALS_EVEN
                        : v1::LoadSpec::ARRIVALS_POISSON);
    to.set_seed(static_cast<int64_t>(spec.open->seed));
    to.set_max_in_flight_count(spec.open->max_in_flight);
  } else {
    to.set_concurrency(spec.concurrency);
    if (spec.think_time.count() > 0) *to.mutable_think_time() = ToProto(spec.think_time);
  }
  return to;
}

bool IsOpenLoop(const v1::LoadSpec& spec) {
  return spec.rate_per_second() != 0 || !spec.stages().empty();
}

int64_t MostAtOnce(const v1::LoadSpec& checked) {
  return IsOpenLoop(checked) ? checked.max_in_flight_count() : checked.concurrency();
}

double PeakRate(const v1::LoadSpec& checked) {
  return std::max(checked.rate_per_second(), client::RateProfile(StagesOf(checked)).peak());
}

}  // namespace handshake::control

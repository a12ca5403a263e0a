#include "control/services/load_spec.h"

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/net/address.h"
#include "common/text/duration.h"
#include "control/rpc/limits.h"
#include "control/services/convert.h"

namespace handshake::control {
namespace {

absl::Status CheckTarget(const std::string& target) {
  if (target.empty()) {
    return absl::InvalidArgumentError("spec.target is required: HOST:PORT, as in 127.0.0.1:7000");
  }
  const absl::StatusOr<net::Address> address = net::Address::Parse(target);
  if (!address.ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("spec.target: %s", std::string(address.status().message())));
  }
  if (!address->IsLoopback()) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "spec.target %s is not a loopback address: load may be sent to 127.0.0.0/8 and [::1] only",
        target));
  }
  if (address->port() == 0) {
    return absl::InvalidArgumentError("spec.target must name a port");
  }
  return absl::OkStatus();
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

absl::Status CheckDuration(const google::protobuf::Duration& duration) {
  const auto value =
      FromProto(duration, "spec.duration", std::chrono::milliseconds(1), std::chrono::hours(24));
  if (!value.ok()) return value.status();
  if (*value > kMaxLoadDuration) {
    return absl::ResourceExhaustedError(absl::StrFormat("spec.duration is %s: the cap is %s",
                                                        text::FormatDuration(*value),
                                                        text::FormatDuration(kMaxLoadDuration)));
  }
  return absl::OkStatus();
}

void FillDefaults(v1::LoadSpec& spec) {
  if (spec.concurrency() == 0) spec.set_concurrency(1);
  if (!spec.has_duration()) *spec.mutable_duration() = ToProto(kMaxLoadDuration);
  if (spec.handshake_count() == 0) spec.set_handshake_count(kMaxLoadHandshakes);
  if (spec.framing() == v1::FRAMING_UNSPECIFIED) spec.set_framing(v1::FRAMING_LINE);
}

}  // namespace

absl::StatusOr<v1::LoadSpec> CheckLoadSpec(const v1::LoadSpec& spec) {
  if (absl::Status ok = CheckTarget(spec.target()); !ok.ok()) return ok;
  if (!spec.has_duration() && spec.handshake_count() == 0) {
    return absl::InvalidArgumentError("spec.duration or spec.handshake_count is required");
  }
  absl::Status ok = CheckCount(spec.concurrency(), "spec.concurrency", kMaxLoadConnections);
  if (!ok.ok()) return ok;
  ok = CheckCount(spec.handshake_count(), "spec.handshake_count", kMaxLoadHandshakes);
  if (!ok.ok()) return ok;
  if (spec.has_duration()) {
    if (ok = CheckDuration(spec.duration()); !ok.ok()) return ok;
  }
  if (spec.framing() != v1::FRAMING_UNSPECIFIED && spec.framing() != v1::FRAMING_LINE &&
      spec.framing() != v1::FRAMING_BARE) {
    return absl::InvalidArgumentError("spec.framing must be LINE or BARE");
  }
  v1::LoadSpec checked = spec;
  FillDefaults(checked);
  return checked;
}

client::LoadSpec ToClientSpec(const v1::LoadSpec& checked) {
  client::LoadSpec spec;
  spec.target = *net::Address::Parse(checked.target());
  spec.concurrency = checked.concurrency();
  spec.duration = std::chrono::seconds(checked.duration().seconds()) +
                  std::chrono::nanoseconds(checked.duration().nanos());
  spec.count = checked.handshake_count();
  spec.handshake.framing = *FromProto(checked.framing());
  return spec;
}

}  // namespace handshake::control

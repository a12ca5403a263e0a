#include "client/rate_stage.h"

#include <charconv>
#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/text/duration.h"

namespace handshake::client {
namespace {

absl::Status At(std::string_view whole, size_t column, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrFormat("stage '%s', column %d: %s", whole, column + 1, what));
}

std::optional<double> ParseRate(std::string_view text) {
  double rate = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, rate, std::chars_format::fixed);
  // Written so that what is not a number is refused too.
  if (error != std::errc() || rest != end || !(rate >= 0 && rate <= kMostRate)) return std::nullopt;
  return rate;
}

std::string NotARate(std::string_view text) {
  return absl::StrFormat("'%s' is not a rate: a number from 0 to %.0f, as in 500 or 100..5000",
                         text, kMostRate);
}

}  // namespace

absl::StatusOr<RateStage> ParseRateStage(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return At(text, text.size(), "':' and a rate are missing, as in 30s:5000 or 10s:100..5000");
  }
  const auto length = text::ParseDuration(text.substr(0, colon));
  if (!length.ok()) return At(text, 0, std::string(length.status().message()));
  if (length->count() <= 0) return At(text, 0, "a stage lasts longer than 0");
  const std::string_view rates = text.substr(colon + 1);
  const size_t dots = rates.find("..");
  const std::string_view first = rates.substr(0, dots);
  const std::optional<double> from = ParseRate(first);
  if (!from) return At(text, colon + 1, NotARate(first));
  if (dots == std::string_view::npos) return RateStage{*length, *from, *from};
  const std::string_view second = rates.substr(dots + 2);
  const std::optional<double> to = ParseRate(second);
  if (!to) return At(text, colon + 1 + dots + 2, NotARate(second));
  return RateStage{*length, *from, *to};
}

std::string FormatRateStage(const RateStage& stage) {
  std::string text = absl::StrFormat("%s:%.10g", text::FormatDuration(stage.length), stage.from);
  if (stage.to != stage.from) text += absl::StrFormat("..%.10g", stage.to);
  return text;
}

}  // namespace handshake::client

#include "client/bottleneck.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/strings/str_format.h"
#include "client/load_run.h"
#include "common/text/duration.h"

namespace handshake::client {
namespace {

// Below it a p99 rests on fewer than ten handshakes.
constexpr int64_t kFewest = 1'000;
// A send lag below it is what a busy machine's scheduler does to anybody.
constexpr int64_t kSmallLagUs = 1'000;
// Of the time of the run's threads: from here on they may be, or are, what limits.
constexpr double kBusy = 0.7;
constexpr double kSaturated = 0.9;
// Of the time of the machine's CPUs: from here on, latencies are the host's as much as anybody's.
constexpr double kMuchStolen = 0.05;

std::string Us(int64_t us) { return text::FormatDuration(std::chrono::microseconds(us)); }

double CpuShare(const LoadReport& report) {
  // In a pause there is nothing to be busy with.
  const double seconds =
      std::chrono::duration<double>(report.measured - report.paused_time).count();
  const double available = seconds * static_cast<double>(report.threads);
  return available > 0 ? std::chrono::duration<double>(report.cpu).count() / available : 0;
}

std::string CpuText(const LoadReport& report) {
  return absl::StrFormat("the generator's threads were busy %.0f%% of the time",
                         100 * CpuShare(report));
}

// Segments sent again, of the whole network namespace: each is a wait of 200 ms or more.
std::optional<Judgement> JudgeRetransmits(const LoadReport& report) {
  if (report.retransmitted_syns * 100 > report.started) {
    return Judgement{
        Bottleneck::kServer,
        absl::StrFormat("%d SYNs or their answers were sent again: its accept queue was full",
                        report.retransmitted_syns)};
  }
  if (report.retransmitted_segments * 100 > report.started) {
    return Judgement{Bottleneck::kUnclear,
                     absl::StrFormat("%d segments were lost on the way and sent again",
                                     report.retransmitted_segments)};
  }
  return std::nullopt;
}

Judgement JudgeOpen(const LoadReport& report) {
  const int64_t lag = report.send_lag.AtPercentile(99);
  const int64_t latency = report.intended.AtPercentile(99);
  const std::string lag_text =
      absl::StrFormat("send lag p99 is %s of a latency p99 of %s", Us(lag), Us(latency));
  if (lag >= kSmallLagUs && lag * 2 >= latency) return {Bottleneck::kGenerator, lag_text};
  if (const auto judgement = JudgeRetransmits(report)) return *judgement;
  if (report.dropped * 100 > report.planned) {
    return {Bottleneck::kServer,
            absl::StrFormat("%d arrivals found --max-in-flight handshakes open, and %s",
                            report.dropped, lag_text)};
  }
  if (lag >= kSmallLagUs) return {Bottleneck::kUnclear, lag_text};
  if (CpuShare(report) >= kSaturated) return {Bottleneck::kUnclear, CpuText(report)};
  return {Bottleneck::kNone, lag_text};
}

Judgement JudgeClosed(const LoadSpec& spec, const LoadReport& report) {
  const double share = CpuShare(report);
  const std::string shortfall = ShortfallOf(spec, report);
  const std::string why =
      shortfall.empty() ? CpuText(report) : shortfall + ", and " + CpuText(report);
  if (share >= kSaturated) return {Bottleneck::kGenerator, why};
  if (const auto judgement = JudgeRetransmits(report)) return *judgement;
  // Whoever kept them away: the figures are of another load than the one asked for.
  if (!shortfall.empty() || share >= kBusy) return {Bottleneck::kUnclear, why};
  return {spec.think_time.count() > 0 ? Bottleneck::kNone : Bottleneck::kServer, why};
}

}  // namespace

Judgement Judge(const LoadSpec& spec, const LoadReport& report) {
  const int64_t own = report.ended[static_cast<size_t>(wire::Verdict::kNoLocalResource)];
  if (own > 0) {
    return {Bottleneck::kGenerator,
            absl::StrFormat("%d handshakes found no port, descriptor or memory here", own)};
  }
  if (std::max(report.ok() + report.failed(), report.planned) < kFewest) {
    return {Bottleneck::kUnclear,
            absl::StrFormat("fewer than %d handshakes tell too little", kFewest)};
  }
  if (report.unsent() * 100 > report.planned) {
    return {Bottleneck::kGenerator,
            absl::StrFormat("it did not get round to %d arrivals", report.unsent())};
  }
  if (report.stolen_cpu_share >= kMuchStolen) {
    return {Bottleneck::kUnclear, absl::StrFormat("the machine's host took %.0f%% of its CPU time",
                                                  100 * report.stolen_cpu_share)};
  }
  return spec.open ? JudgeOpen(report) : JudgeClosed(spec, report);
}

std::string ShortfallOf(const LoadSpec& spec, const LoadReport& report) {
  if (!report.done || !report.given_up.empty()) return "";
  if (report.started + report.dropped == 0) {
    return "nothing was measured: all of it was warm-up, or nothing was due";
  }
  if (spec.open) {
    // Ended early it leaves some behind that were due.
    if (report.started >= report.planned || report.cancelled || !report.stopped_by.empty()) {
      return "";
    }
    return absl::StrFormat("only %d of %d planned arrivals were begun", report.started,
                           report.planned);
  }
  // It may have been changed meanwhile.
  const int64_t most = std::max(spec.concurrency, report.most_concurrency);
  const int64_t wanted = std::min(most, spec.count.value_or(most));
  if (spec.think_time.count() > 0 || report.peak_connections >= wanted) return "";
  return absl::StrFormat("only %d of %d connections ever stood at once", report.peak_connections,
                         wanted);
}

}  // namespace handshake::client

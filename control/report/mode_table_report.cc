#include "control/report/mode_table_report.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "control/report/humane.h"

namespace handshake::report {
namespace {

using Kind = Column::Kind;

constexpr int64_t kFirstClients = 64;

// "10,000+": all that was tried.
std::string AtLeast(int64_t count, bool all) { return Count(count) + (all ? "+" : ""); }

std::string OverloadText(const v1::ModeTableRow& row) {
  if (row.overload_started_count() == 0) return std::string(kNothing);
  const double share = static_cast<double>(row.overload_failed_count()) /
                       static_cast<double>(row.overload_started_count());
  return absl::StrFormat("%.3g%% at %s", share * 100, Count(row.overload_client_count()));
}

}  // namespace

ServedSearch::ServedSearch(int64_t most) : most_(most), next_(std::min(kFirstClients, most)) {}

void ServedSearch::Tell(bool served) {
  if (served) {
    served_ = next_;
  } else {
    refused_ = next_;
  }
  Choose();
}

void ServedSearch::Limit(int64_t clients) {
  most_ = std::max(std::min(most_, clients), served_);
  Choose();
}

void ServedSearch::Choose() {
  if (refused_ == 0) {
    next_ = served_ >= most_ ? 0 : std::min(std::max(served_ * 2, kFirstClients), most_);
    return;
  }
  const int64_t between = refused_ - served_;
  next_ = between <= std::max<int64_t>(served_ / 8, 1) ? 0 : served_ + between / 2;
}

bool AllServed(const v1::LoadRun& run) {
  return run.failed_count() == 0 && run.in_flight_count() == 0 &&
         run.ok_count() >= run.spec().concurrency();
}

std::string ModeTableProgress(const v1::ModeTable& table, int64_t mode_count, std::string_view mode,
                              std::string_view what) {
  return absl::StrFormat("mode %d of %d: %s  %s", table.rows_size() + 1, mode_count, mode, what);
}

std::string ModeTablePage(const v1::ModeTable& report, Style style) {
  Table table({{"MODE", Kind::kText},
               {"HELD", Kind::kNumber},
               {"SERVED", Kind::kNumber},
               {"BYTES\nHELD", Kind::kNumber},
               {"CPU us\nHANDSHAKE", Kind::kNumber},
               {"FAILED AT\nTWICE SERVED", Kind::kNumber}});
  std::string reasons;
  for (const v1::ModeTableRow& row : report.rows()) {
    table.Add({row.name(), row.held_count() > 0 ? AtLeast(row.held_count(), row.held_all()) : "-",
               row.served_count() > 0 ? AtLeast(row.served_count(), row.served_all()) : "-",
               row.has_held_bytes() ? Count(row.held_bytes()) : std::string(kNothing),
               row.cpu_us() > 0 ? Short(row.cpu_us()) : std::string(kNothing), OverloadText(row)});
    if (!row.unavailable_reason().empty()) {
      reasons += absl::StrFormat("%s: %s\n", row.name(), Printable(row.unavailable_reason()));
    }
  }
  return table.Render(style) + (reasons.empty() ? "" : "\n" + reasons) +
         absl::StrFormat(
             "\n"
             "Each mode in a fresh server, loaded from another process; %s in all. N+: all\n"
             "that was tried.\n"
             "HELD          most connections past message 2 at once, by the server's count;\n"
             "              its deadlines were 10 minutes, so that they do not end a hold\n"
             "SERVED        most clients in a closed loop, %s long, without one failure,\n"
             "              within an eighth, under the default deadlines\n"
             "BYTES HELD    resident memory a held connection costs the server, from 1,000 to\n"
             "              5,000 held, or as many as it holds; '-' below 2,000\n"
             "CPU           of the mode's threads, with 64 clients or as many as it serves\n"
             "FAILED        not ok a second after the end, of all begun, at so many clients\n",
             Span(report.elapsed()), Span(report.probe_time()));
}

}  // namespace handshake::report

// A server's statistics as text: a page about one snapshot, and one row a snapshot for watching.
#ifndef HANDSHAKE_CONTROL_REPORT_STATS_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_STATS_REPORT_H_

#include <optional>
#include <string>

#include "control/report/table.h"
#include "handshake/v1/server_service.pb.h"

namespace handshake::report {

std::string StatsPage(const v1::Stats& stats, Style style);

// Rows that line up with each other and with the header, over any number of snapshots. Used by one
// thread.
class StatsRows {
 public:
  explicit StatsRows(Style style) : style_(style) {}
  // The row of the next snapshot, with the header above the first one and every twentieth.
  std::string Next(const v1::Stats& stats);

 private:
  // What rates and the CPU share are reckoned from: the same of the row before.
  struct Before {
    double cpu_seconds;
    double uptime_seconds;
    double accepted;
    double completed;
    double failed;
  };
  static Before Read(const v1::Stats& stats);
  const Style style_;
  int rows_ = 0;
  std::optional<Before> before_;
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_STATS_REPORT_H_

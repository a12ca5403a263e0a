#include "control/report/csv.h"

#include "absl/strings/str_format.h"
#include "control/report/humane.h"

namespace handshake::report {

std::string SeriesCsv(const v1::LoadRun& run) {
  std::string csv =
      "elapsed_s,duration_s,planned,started,ok,failed,dropped,in_flight,"
      "min_us,mean_us,p50_us,p90_us,p99_us,p999_us,max_us\n";
  for (const v1::LoadPoint& point : run.points()) {
    absl::StrAppendFormat(&csv, "%.3f,%.3f,%d,%d,%d,%d,%d,%d,", ToSeconds(point.elapsed()),
                          ToSeconds(point.duration()), point.planned_count(), point.started_count(),
                          point.ok_count(), point.failed_count(), point.dropped_count(),
                          point.in_flight_count());
    const v1::Latency& latency = point.latency();
    if (latency.count() > 0) {
      absl::StrAppendFormat(&csv, "%d,%.1f,%d,%d,%d,%d,%d\n", latency.min_us(), latency.mean_us(),
                            latency.p50_us(), latency.p90_us(), latency.p99_us(), latency.p999_us(),
                            latency.max_us());
    } else {
      csv += ",,,,,,\n";
    }
  }
  return csv;
}

}  // namespace handshake::report

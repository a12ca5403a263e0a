// What each mode can bear: the search for it, and the table as text.
#ifndef HANDSHAKE_CONTROL_REPORT_MODE_TABLE_REPORT_H_
#define HANDSHAKE_CONTROL_REPORT_MODE_TABLE_REPORT_H_

#include <cstdint>
#include <string>

#include "control/report/table.h"
#include "handshake/v1/compare_report.pb.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::report {

// Finds the highest number of clients that is served: doubles from 64 until one is not, then halves
// what lies between until it is an eighth.
class ServedSearch {
 public:
  explicit ServedSearch(int64_t most);  // from 1
  // How many to try; 0: the search is over.
  int64_t next() const { return next_; }
  // Whether next() were served.
  void Tell(bool served);
  // More than `clients` cannot be tried, for a reason of the machine's.
  void Limit(int64_t clients);
  // The highest number that was served; 0: none.
  int64_t served() const { return served_; }
  // Was the highest that may be tried served?
  bool all() const { return served_ == most_; }

 private:
  void Choose();
  int64_t most_;
  int64_t served_ = 0;
  int64_t refused_ = 0;  // the lowest number that was not served; 0: none yet
  int64_t next_;
};

// Did every handshake of every client go well? Those cut at the end have not.
bool AllServed(const v1::LoadRun& run);

// One line without '\n' and without colour, to be drawn over itself.
std::string ModeTableProgress(const v1::ModeTable& table, int64_t mode_count, std::string_view mode,
                              std::string_view what);

// The table, and how each of its columns was measured.
std::string ModeTablePage(const v1::ModeTable& table, Style style);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_MODE_TABLE_REPORT_H_

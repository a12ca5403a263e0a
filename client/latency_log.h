// A run's latencies as a file: an interval log that HdrHistogram's tools read, merge and plot.
#ifndef HANDSHAKE_CLIENT_LATENCY_LOG_H_
#define HANDSHAKE_CLIENT_LATENCY_LOG_H_

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/load_run.h"

namespace handshake::client {

// Each Append() writes a line for every series with what was measured since the one before: the
// latency of successes without a tag, its phases as `connect`, `reply` and `close`; of an open loop
// the untagged one counts from the intended start, and `handshake`, from connect, and `send-lag`
// stand beside it. Microseconds, see stats/hdr_log.h. Used by one thread; the file is closed with
// this object, and complete up to the last line that was written.
class LatencyLog {
 public:
  // Creates the file, or empties it. `start`: what the lines' times are relative to; `comment`: for
  // people. FAILED_PRECONDITION: it cannot be written, with why.
  static absl::StatusOr<LatencyLog> Open(const std::string& path,
                                         std::chrono::system_clock::time_point start,
                                         std::string_view comment);

  // `report` is of the same run as before, and not older. Nothing is written of a warm-up, and
  // less than 100 ms wait for the next call unless the run is over.
  void Append(const LoadReport& report);
  // Hands all to the system. DATA_LOSS if that, or anything before, has failed, with why: then the
  // file lacks lines.
  absl::Status Flush();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  LatencyLog(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  void Write(std::string_view text);

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  int error_ = 0;  // errno of the first write that failed; nothing is written after it
  LoadReport last_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LATENCY_LOG_H_

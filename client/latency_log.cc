#include "client/latency_log.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/stats/hdr_log.h"

namespace handshake::client {
namespace {

// A shorter interval waits for the next line.
constexpr std::chrono::milliseconds kLeast{100};

}  // namespace

absl::StatusOr<LatencyLog> LatencyLog::Open(const std::string& path,
                                            std::chrono::system_clock::time_point start,
                                            std::string_view comment) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrFormat("cannot write %s: %s", path, std::strerror(errno)));
  }
  LatencyLog log(path, file);
  log.Write(stats::HdrLogHeader(start, comment));
  if (absl::Status status = log.Flush(); !status.ok()) return status;
  return log;
}

void LatencyLog::Append(const LoadReport& report) {
  // It warms up, or has just done so.
  if (report.measured - last_.measured < kLeast && !report.done) return;
  const auto write = [&](std::string_view tag, const stats::Histogram& now,
                         const stats::Histogram& before) {
    Write(stats::HdrLogLine({.tag = tag,
                             .start = report.elapsed - (report.measured - last_.measured),
                             .length = report.measured - last_.measured},
                            now.Since(before)));
  };
  const bool open = report.planned > 0;
  write("", open ? report.intended : report.handshake, open ? last_.intended : last_.handshake);
  write("connect", report.connect, last_.connect);
  write("reply", report.reply, last_.reply);
  write("close", report.close, last_.close);
  if (open) {
    write("handshake", report.handshake, last_.handshake);
    write("send-lag", report.send_lag, last_.send_lag);
  }
  last_ = report;
}

void LatencyLog::Write(std::string_view text) {
  if (error_ != 0) return;
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) error_ = errno;
}

absl::Status LatencyLog::Flush() {
  if (error_ == 0 && std::fflush(file_.get()) != 0) error_ = errno;
  if (error_ == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "cannot write all of %s: %s; the lines before that are whole", path_, std::strerror(error_)));
}

}  // namespace handshake::client

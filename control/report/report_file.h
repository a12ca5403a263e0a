// A file that holds a whole report or nothing: what was there before stays until all of the new is
// written.
#ifndef HANDSHAKE_CONTROL_REPORT_REPORT_FILE_H_
#define HANDSHAKE_CONTROL_REPORT_REPORT_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace handshake::report {

// Opened before a run, so that a name that cannot be written is refused before it, written once at
// its end. Until then the text goes to FILE.PID.tmp beside it, which goes with this object. What is
// no regular file, such as /dev/stdout, is written directly. Used by one thread.
class ReportFile {
 public:
  // FAILED_PRECONDITION: it cannot be written, with why.
  static absl::StatusOr<ReportFile> Open(const std::string& path);
  ReportFile(ReportFile&& other) noexcept;
  ReportFile& operator=(ReportFile&& other) noexcept = delete;
  ~ReportFile();

  // All of it, and gives it its name. DATA_LOSS if that fails, with why: then what was there before
  // is as it was. Call once.
  absl::Status Write(std::string_view text);

 private:
  ReportFile(std::string path, std::string temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}
  absl::Status Failed(int error) const;

  std::string path_;
  std::string temporary_;  // empty: written directly
  int fd_;                 // -1: moved from, or written
};

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_REPORT_FILE_H_

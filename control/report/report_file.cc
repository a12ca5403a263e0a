#include "control/report/report_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"

namespace handshake::report {
namespace {

int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

}  // namespace

absl::StatusOr<ReportFile> ReportFile::Open(const std::string& path) {
  struct stat existing{};
  const bool exists = stat(path.c_str(), &existing) == 0;
  const bool direct = exists && !S_ISREG(existing.st_mode);
  const std::string temporary = direct ? "" : absl::StrFormat("%s.%d.tmp", path, getpid());
  // One that may not be written is not to be replaced either.
  const bool refused = exists && !direct && access(path.c_str(), W_OK) != 0;
  const int fd = refused  ? -1
                 : direct ? open(path.c_str(), O_WRONLY | O_CLOEXEC)
                          : open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("cannot write %s: %s", path, std::strerror(errno)));
  }
  return ReportFile(path, temporary, fd);
}

ReportFile::ReportFile(ReportFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)) {}

ReportFile::~ReportFile() {
  if (fd_ < 0) return;
  close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status ReportFile::Failed(int error) const {
  return absl::DataLossError(
      absl::StrFormat("cannot write %s: %s%s", path_, std::strerror(error),
                      temporary_.empty() ? "" : "; what was there before is as it was"));
}

absl::Status ReportFile::Write(std::string_view text) {
  if (const int error = WriteAll(fd_, text)) return Failed(error);
  // A full disk may be noticed only here.
  if (!temporary_.empty() && fsync(fd_) != 0) return Failed(errno);
  if (!temporary_.empty() && rename(temporary_.c_str(), path_.c_str()) != 0) return Failed(errno);
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

}  // namespace handshake::report

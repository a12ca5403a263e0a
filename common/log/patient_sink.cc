#include "common/log/patient_sink.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "spdlog/fmt/fmt.h"

namespace handshake::log {
namespace {

// Of a message whose line would be longer than PIPE_BUF: an escaped byte takes six.
constexpr size_t kLongest = 512;

// Would a write of up to PIPE_BUF bytes go through at once?
bool IsReady(int fd) {
  pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&wait, 1, 0) == 1 && (wait.revents & POLLOUT) != 0;
}

}  // namespace

void PatientSink::sink_it_(const spdlog::details::log_msg& message) {
  if ((left_out_ > 0 && !WriteLeftOut(message)) || !Write(message)) ++left_out_;
}

bool PatientSink::Write(const spdlog::details::log_msg& message) {
  if (!IsReady(fd_)) return false;
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (line.size() > PIPE_BUF) {
    spdlog::details::log_msg cut = message;
    cut.payload = {cut.payload.data(), std::min(cut.payload.size(), kLongest)};
    line.clear();
    formatter_->format(cut, line);
  }
  return write(fd_, line.data(), line.size()) > 0;
}

bool PatientSink::WriteLeftOut(const spdlog::details::log_msg& next) {
  const std::string text =
      fmt::format("{} log lines could not be written and were left out", left_out_);
  spdlog::details::log_msg message = next;
  message.level = spdlog::level::warn;
  message.payload = text;
  if (!Write(message)) return false;
  left_out_ = 0;
  return true;
}

}  // namespace handshake::log

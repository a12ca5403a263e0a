// Where log lines go: to a descriptor, and never at the cost of who logs.
#ifndef HANDSHAKE_COMMON_LOG_PATIENT_SINK_H_
#define HANDSHAKE_COMMON_LOG_PATIENT_SINK_H_

#include <cstdint>
#include <mutex>
#include <string_view>

#include "spdlog/sinks/base_sink.h"

namespace handshake::log {

// Writes each line at once and whole. A line that cannot be written without waiting (a pipe that
// nobody reads, a terminal that was stopped), or at all (a full disk), is left out, and so are
// those behind it; the next one that can be written is preceded by one that says how many were.
// Safe to use from any thread.
class PatientSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Borrows `fd`, which stays in blocking state: others may write to the same file.
  explicit PatientSink(int fd) : fd_(fd) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
  // False: not a byte was written.
  bool Write(const spdlog::details::log_msg& message);
  bool WriteLeftOut(const spdlog::details::log_msg& next);

  const int fd_;
  int64_t left_out_ = 0;
};

}  // namespace handshake::log

#endif  // HANDSHAKE_COMMON_LOG_PATIENT_SINK_H_

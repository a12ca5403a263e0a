// Set-up of the process's log, the same for every main. Code then logs by spdlog::info() and so on.
#ifndef HANDSHAKE_COMMON_LOG_LOG_H_
#define HANDSHAKE_COMMON_LOG_LOG_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "spdlog/formatter.h"

namespace handshake::log {

struct LogOptions {
  std::string format = "text";  // text, json
  std::string level = "info";   // trace, debug, info, warn, error, off
};

// Makes spdlog's default logger write to stderr, one line a message, whatever the message holds,
// and without ever waiting for who reads it (see patient_sink.h):
//   text  2025-11-21T08:00:00.123Z info  message
//   json  {"time":"2025-11-21T08:00:00.123Z","level":"info","thread":4711,"message":"message"}
// Call it once, first thing in main. INVALID_ARGUMENT: no such format or level.
absl::Status SetUp(const LogOptions& options);

// The formatters behind SetUp(), for tests and other sinks.
std::unique_ptr<spdlog::formatter> MakeTextFormatter();
std::unique_ptr<spdlog::formatter> MakeJsonFormatter();

}  // namespace handshake::log

#endif  // HANDSHAKE_COMMON_LOG_LOG_H_

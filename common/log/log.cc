#include "common/log/log.h"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <optional>

#include "common/log/escape.h"
#include "common/log/patient_sink.h"
#include "spdlog/fmt/fmt.h"
#include "spdlog/spdlog.h"

namespace handshake::log {
namespace {

std::string_view LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "trace";
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    case spdlog::level::off:
      return "off";
    default:
      return "error";
  }
}

std::optional<spdlog::level::level_enum> LevelByName(std::string_view name) {
  for (auto level : {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                     spdlog::level::warn, spdlog::level::err, spdlog::level::off}) {
    if (LevelName(level) == name) return level;
  }
  return std::nullopt;
}

// UTC, RFC 3339, milliseconds.
std::string FormatTime(spdlog::log_clock::time_point time) {
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch - seconds);
  const std::time_t t = seconds.count();
  std::tm utc{};
  gmtime_r(&t, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     millis.count());
}

std::string_view View(spdlog::string_view_t text) { return {text.data(), text.size()}; }

// One line whatever the message: control characters, which could forge a line or drive a terminal,
// are escaped.
std::string OneLine(std::string_view message) {
  std::string line;
  line.reserve(message.size());
  for (char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
    } else {
      line += Escape({&c, 1});
    }
  }
  return line;
}

class TextFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    fmt::format_to(std::back_inserter(to), "{} {:<5} {}\n", FormatTime(message.time),
                   LevelName(message.level), OneLine(View(message.payload)));
  }
  std::unique_ptr<formatter> clone() const override { return MakeTextFormatter(); }
};

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    fmt::format_to(std::back_inserter(to),
                   R"({{"time":"{}","level":"{}","thread":{},"message":"{}"}})"
                   "\n",
                   FormatTime(message.time), LevelName(message.level), message.thread_id,
                   EscapeJson(View(message.payload)));
  }
  std::unique_ptr<formatter> clone() const override { return MakeJsonFormatter(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> MakeTextFormatter() { return std::make_unique<TextFormatter>(); }
std::unique_ptr<spdlog::formatter> MakeJsonFormatter() { return std::make_unique<JsonFormatter>(); }

absl::Status SetUp(const LogOptions& options) {
  const auto level = LevelByName(options.level);
  if (!level) {
    return absl::InvalidArgumentError(fmt::format(
        "no log level '{}': use trace, debug, info, warn, error or off", options.level));
  }
  if (options.format != "text" && options.format != "json") {
    return absl::InvalidArgumentError(
        fmt::format("no log format '{}': use text or json", options.format));
  }
  auto sink = std::make_shared<PatientSink>(STDERR_FILENO);
  auto logger = std::make_shared<spdlog::logger>("", std::move(sink));
  logger->set_formatter(options.format == "json" ? MakeJsonFormatter() : MakeTextFormatter());
  logger->set_level(*level);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

}  // namespace handshake::log

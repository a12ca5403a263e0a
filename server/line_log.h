// Where a `lines` listener's lines go with --lines-sink.
#ifndef HANDSHAKE_SERVER_LINE_LOG_H_
#define HANDSHAKE_SERVER_LINE_LOG_H_

#include <string_view>

#include "common/log/escape.h"
#include "common/wire/lines_dialect.h"
#include "spdlog/spdlog.h"

namespace handshake::server {

// Each line is one record of level info, a long one several; what the log cannot take at once it
// leaves out and counts.
class LineLog final : public wire::LineSink {
 public:
  void Take(std::string_view line) const override {
    const char* what = "line";
    do {
      const std::string_view part = line.substr(0, kPart);
      spdlog::info("{}: {}", what, log::Escape(part, part.size()));
      line.remove_prefix(part.size());
      what = "line goes on";
    } while (!line.empty());
  }

 private:
  // Bytes whose escaped form the log still writes as a whole.
  static constexpr size_t kPart = 700;
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_LINE_LOG_H_

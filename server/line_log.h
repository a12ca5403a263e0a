// Where a `lines` listener's lines go with --lines-sink.
#ifndef HANDSHAKE_SERVER_LINE_LOG_H_
#define HANDSHAKE_SERVER_LINE_LOG_H_

#include <string_view>

#include "common/log/escape.h"
#include "common/wire/lines_dialect.h"
#include "spdlog/spdlog.h"

namespace handshake::server {

// Each line is one record of level info; what the log cannot take at once it leaves out and counts.
class LineLog final : public wire::LineSink {
 public:
  void Take(std::string_view line) const override {
    spdlog::info("line: {}", log::Escape(line, line.size()));
  }
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_LINE_LOG_H_

// Measures what each mode can bear, in a fresh server each, loaded from another process.
#ifndef HANDSHAKE_CONTROL_CTL_MODE_TABLE_H_
#define HANDSHAKE_CONTROL_CTL_MODE_TABLE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/ctl/child_process.h"
#include "control/ctl/context.h"
#include "control/report/terminal.h"
#include "handshake/v1/compare_report.pb.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::ctl {

struct ModeTableSpec {
  std::vector<v1::Mode> modes;
  std::string server_binary;
  std::string client_binary;
  int64_t max_clients = 10'000;
  std::chrono::nanoseconds probe = std::chrono::seconds(2);
};

// Used by the main thread, once. All processes it starts end with it.
class ModeTableRun {
 public:
  ModeTableRun(Context& context, const ModeTableSpec& spec) : context_(context), spec_(spec) {}

  // OK, or why not all modes were measured: CANCELLED (an interrupt); NOT_FOUND and others (a
  // binary cannot be started). What was measured until then is in table().
  absl::Status Run();
  const v1::ModeTable& table() const { return table_; }

 private:
  // A fresh server in one mode.
  struct Server {
    std::unique_ptr<ChildProcess> process;
    std::string target;
    std::unique_ptr<v1::ServerService::Stub> stub;
  };

  absl::StatusOr<Server> StartServer(const v1::ModeTableRow& row,
                                     const std::vector<std::string>& more);
  absl::Status MeasureMode(v1::ModeTableRow& row);
  absl::Status MeasureHeld(v1::ModeTableRow& row);
  absl::Status MeasureServed(v1::ModeTableRow& row);
  absl::Status MeasureOverload(const Server& server, v1::ModeTableRow& row);

  // The closed loop's run; FAILED_PRECONDITION, with its words: the client refuses so many.
  absl::StatusOr<v1::LoadRun> Probe(const Server& server, int64_t clients);
  absl::StatusOr<std::unique_ptr<ChildProcess>> Hold(const Server& server, int64_t connections);
  // Until so many are held, or none was added for a while. The most that were, with the server's
  // memory then.
  struct Held {
    int64_t count = 0;
    int64_t resident_bytes = 0;
  };
  absl::StatusOr<Held> AwaitHeld(const Server& server, int64_t wanted);
  absl::StatusOr<v1::Stats> Stats(const Server& server);
  void Draw(const v1::ModeTableRow& row, std::string_view what);

  Context& context_;
  const ModeTableSpec& spec_;
  v1::ModeTable table_;
  report::LiveLine live_;
};

}  // namespace handshake::ctl

#endif  // HANDSHAKE_CONTROL_CTL_MODE_TABLE_H_

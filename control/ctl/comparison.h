// Compares the modes of a live server: holds a steady load, switches, measures. What it found is a
// v1::CompareReport.
#ifndef HANDSHAKE_CONTROL_CTL_COMPARISON_H_
#define HANDSHAKE_CONTROL_CTL_COMPARISON_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/ctl/context.h"
#include "control/report/terminal.h"
#include "handshake/v1/compare_report.pb.h"
#include "handshake/v1/server_service.grpc.pb.h"

namespace handshake::ctl {

// A round's load outlasts its blocks by this, for switches and calls.
inline constexpr std::chrono::seconds kRoundSlack{5};

struct ComparisonSpec {
  std::vector<v1::Mode> modes;       // empty: all that can run there; one may be named twice
  std::optional<v1::Mode> baseline;  // none: the mode in force if it is compared, else the first
  v1::LoadSpec load;                 // without target, duration and seed
  int64_t rounds = 24;
  std::chrono::nanoseconds block = std::chrono::seconds(1);
  std::chrono::nanoseconds settle = std::chrono::milliseconds(500);
  uint64_t seed = 1;
};

// Why a comparison ended early.
struct Stop {
  int exit_code;
  std::string reason;
};

// Where a client on the server's machine reaches its listener; empty: nowhere.
std::string TargetOf(const v1::Server& server);

// Used by the main thread, once. However it ends, its load is cancelled and the mode that was in
// force is in force again, unless somebody else has switched meanwhile or the server is gone.
class Comparison {
 public:
  // Borrows all of them. The server is context's, `agent` serves the load.
  Comparison(Context& context, const std::shared_ptr<grpc::Channel>& agent,
             std::string agent_endpoint, const ComparisonSpec& spec);
  ~Comparison();  // restores the mode
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;

  // All of it. None: it was completed. report() has what was measured in either case.
  std::optional<Stop> Run();
  // Puts the mode back that was in force; what keeps it from that.
  std::optional<Stop> Restore();
  // Without figures; see report::Summarize.
  v1::CompareReport& report() { return report_; }

 private:
  using End = std::optional<Stop>;  // none: go on
  using Clock = std::chrono::steady_clock;

  End Prepare();
  End ChooseModes(const v1::ListModesResponse& known);
  End Round(int64_t round, const std::vector<size_t>& order);
  End Block(int64_t round, const v1::ComparedMode& mode, class HeldLoad& load);
  End Switch(v1::Mode mode);
  // From generation_ on. Asks once more if the answer was lost: the id makes it one switch.
  grpc::Status AskToSwitch(v1::Mode mode, v1::ModeSwitch* change);
  // After an answer that stayed lost: is the generation in force ours to put back, and which is it?
  End FindGeneration();
  // Why a switch was refused: somebody else's switch, another process, or what the server says.
  Stop Refused(const grpc::Status& status);
  // Waits; cut short by an interrupt.
  End Pause(std::chrono::nanoseconds time);
  End Stats(v1::Stats* stats);
  v1::LoadSpec LoadOf(int64_t round) const;
  void AddTotals(const v1::LoadRun& run);
  void DrawProgress(const v1::ComparedMode& mode);

  Stop ServerStop(const grpc::Status& status) { return StopOf(status, context_.endpoint()); }
  Stop StopOf(const grpc::Status& status, const std::string& endpoint);

  Context& context_;
  const std::shared_ptr<grpc::Channel> agent_;
  const std::string agent_endpoint_;
  const ComparisonSpec& spec_;
  const std::unique_ptr<v1::ServerService::Stub> server_;
  v1::CompareReport report_;
  int64_t generation_ = 0;  // that we know to be in force; 0: none
  bool changed_ = false;    // is another mode than at the start in force?
  // Asked for, without an answer: it may be in force or not.
  std::optional<v1::Mode> unanswered_;
  const std::string request_prefix_;  // of the ids of our switches
  int64_t request_count_ = 0;
  Clock::time_point start_;
  report::LiveLine live_;
};

}  // namespace handshake::ctl

#endif  // HANDSHAKE_CONTROL_CTL_COMPARISON_H_

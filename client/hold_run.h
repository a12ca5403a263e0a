// One held load: opens many connections, takes each to the middle of its handshake (message 2 was
// read), holds all of them at once, then finishes all. Proves what a server can hold.
#ifndef HANDSHAKE_CLIENT_HOLD_RUN_H_
#define HANDSHAKE_CLIENT_HOLD_RUN_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "common/net/address.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"

namespace handshake::client {

struct HoldSpec {
  net::Address target;
  int64_t connections = 1;  // X of the handshakes: 1 to this
  // From the last connection opened to the first message 3.
  std::chrono::nanoseconds hold{};
  // Each has one thread and its own limit of open files. 0: one for each 1,000 connections, at most
  // the CPUs; more if the limit of open files asks for it.
  int64_t processes = 0;
  // The timeouts bound opening and finishing a connection; none runs while it is held.
  wire::HandshakeOptions handshake = {.framing = wire::Framing::kLine};
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
};

enum class HoldPhase : uint8_t { kOpening, kHolding, kFinishing, kDone };

// The numbers of a held load, so far or at its end. At its end each connection is in
// `ended` or `untried`, unless it was cancelled or a process died: then some were never begun.
struct HoldReport {
  HoldPhase phase = HoldPhase::kOpening;
  int64_t opened = 0;                                // message 2 was read
  int64_t lost = 0;                                  // of these, ended while they were held
  int64_t died = 0;                                  // of these, held by a process that died
  std::array<int64_t, wire::kVerdictCount> ended{};  // by verdict; [kOk] finished
  // Not begun: in their process a whole round had run out of time, with none opened meanwhile.
  int64_t untried = 0;
  std::chrono::nanoseconds open_time{};    // the first connect to the last connection opened
  std::chrono::nanoseconds hold_time{};    // to the first message 3
  std::chrono::nanoseconds finish_time{};  // to the last end
  std::chrono::nanoseconds cpu{};          // of the processes that have ended
  int64_t processes = 0;
  int64_t fd_limit = 0;  // of each process
  // Processes that were killed or crashed; what they had is in ended[kNoLocalResource].
  int64_t dead_processes = 0;
  bool cancelled = false;  // the hold was cut short by Cancel()

  int64_t held() const { return opened - lost - died; }
  int64_t finished() const { return ended[static_cast<size_t>(wire::Verdict::kOk)]; }
  int64_t failed() const;  // ended, not ok
};

// Cancel() and Report() may be called from any thread. Start() and WaitFor() belong to one thread,
// which must outlive the run: the processes die with it. They are forked and inherit its signal
// mask.
class HoldRun {
 public:
  static constexpr int64_t kMostConnections = 10'000'000;
  static constexpr int64_t kMostProcesses = 256;

  // INVALID_ARGUMENT with what to change; RESOURCE_EXHAUSTED if the hard limit of open files is too
  // low for that many connections in that many processes, with the numbers that would do.
  static absl::StatusOr<std::unique_ptr<HoldRun>> Start(const HoldSpec& spec);
  // Kills what still runs, which closes its connections.
  ~HoldRun();

  const HoldSpec& spec() const;
  HoldReport Report() const;
  // Nothing more is opened, what is held is finished now. Idempotent; returns at once.
  void Cancel();
  // Until done, or `timeout` has passed; true if done. Only here a process's end is noticed.
  bool WaitFor(std::chrono::nanoseconds timeout);

 private:
  struct Impl;
  explicit HoldRun(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_HOLD_RUN_H_

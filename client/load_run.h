// One load run: what is asked for, how far it is, what came out. Closed loop: `concurrency` clients
// do one handshake after the other, each on a new connection.
#ifndef HANDSHAKE_CLIENT_LOAD_RUN_H_
#define HANDSHAKE_CLIENT_LOAD_RUN_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/net/address.h"
#include "common/stats/histogram.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"

namespace handshake::client {

struct LoadSpec {
  net::Address target;
  int64_t concurrency = 1;  // connections at once, from 1
  // At least one of the two; the run ends at whichever comes first.
  std::optional<std::chrono::nanoseconds> duration = std::nullopt;
  std::optional<int64_t> count = std::nullopt;  // handshakes
  int64_t threads = 0;  // 0: one for each 1,000 connections, at most the CPUs
  // Loopback IPv4 targets: connections are spread over this many 127.x.y.z sources, so that ports
  // do not run out. 0: chosen from concurrency. Other targets use the kernel's choice.
  int64_t source_addresses = 0;
  int64_t first_sequence = 1;  // X of the first handshake; each uses the next
  wire::HandshakeOptions handshake = {.framing = wire::Framing::kLine};
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
};

// The numbers of a run, so far or at its end. Copyable.
struct LoadReport {
  std::chrono::nanoseconds elapsed{};                // first connect to now, or to the end
  int64_t started = 0;                               // handshakes begun (connect called)
  std::array<int64_t, wire::kVerdictCount> ended{};  // by verdict; [kOk] is the successes
  int64_t in_flight = 0;                             // started and not ended
  int64_t peak_connections = 0;                      // most that stood at once
  stats::Histogram handshake;                        // of successes: connect to FIN read, us
  stats::Histogram connect;                          // of successes: connect to established, us
  std::chrono::nanoseconds cpu{};                    // of the run's threads
  bool cancelled = false;                            // ended early by Cancel()
  bool done = false;
  LoadReport();
  int64_t ok() const { return ended[static_cast<int>(wire::Verdict::kOk)]; }
  int64_t failed() const;  // ended, not ok
};

// Thread-safe. Owns its threads; the destructor cancels and joins.
class LoadRun {
 public:
  // INVALID_ARGUMENT with what to change; RESOURCE_EXHAUSTED if the fd limit is too low for
  // `concurrency`, with the number that would do.
  static absl::StatusOr<std::unique_ptr<LoadRun>> Start(const LoadSpec& spec);
  ~LoadRun();

  const LoadSpec& spec() const;
  LoadReport Report() const;
  // No new handshakes; those in flight get a moment to finish, the rest is reset and stays in
  // LoadReport::in_flight. Idempotent; returns at once.
  void Cancel();
  // Until done, or `timeout` has passed; true if done.
  bool WaitFor(std::chrono::nanoseconds timeout) const;

 private:
  struct Impl;
  explicit LoadRun(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_LOAD_RUN_H_

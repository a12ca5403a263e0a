// One load run: what is asked for, how far it is, what came out. It makes sure of its target first:
// until one handshake was answered correctly, no more than 10 connects are made. Closed loop:
// `concurrency` clients do one handshake after the other, each on a new connection. Open loop:
// handshakes begin at planned times, whatever became of those before.
#ifndef HANDSHAKE_CLIENT_LOAD_RUN_H_
#define HANDSHAKE_CLIENT_LOAD_RUN_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/bottleneck.h"
#include "client/condition.h"
#include "client/pacer.h"
#include "common/net/address.h"
#include "common/stats/histogram.h"
#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"

namespace handshake::client {

struct OpenLoop {
  double rate = 0;  // handshakes begun a second, above 0; 0 with stages
  // Instead of a rate: one after the other, and the end of the last is the end of the run.
  std::vector<RateStage> stages = {};
  Arrivals arrivals = Arrivals::kPoisson;
  uint64_t seed = 0;  // of the arrivals; the same seed plans the same times
  // Handshakes at once, divided among the threads. An arrival that finds no free place is dropped
  // and counted. 0: a second of arrivals, from 100 to 10,000, and no more than the fd limit allows.
  int64_t max_in_flight = 0;

  double peak() const { return stages.empty() ? rate : RateProfile(stages).peak(); }
};

struct LoadSpec {
  net::Address target;
  int64_t concurrency = 1;  // closed loop: connections at once, from 1
  // At least one of the two, but for stages; the run ends at whichever comes first.
  std::optional<std::chrono::nanoseconds> duration = std::nullopt;  // from the start, warm-up too
  std::optional<int64_t> count = std::nullopt;  // handshakes, those of the warm-up too
  // 0: one for each 1,000 clients of a closed loop, or 10,000 arrivals a second, at most the CPUs.
  int64_t threads = 0;
  // Loopback IPv4 targets: connections are spread over this many 127.x.y.z sources, so that ports
  // do not run out. 0: chosen from concurrency. Other targets use the kernel's choice.
  int64_t source_addresses = 0;
  int64_t first_sequence = 1;  // X of the first handshake; each uses the next
  wire::HandshakeOptions handshake = {.framing = wire::Framing::kLine};
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  // Closed loop: how long a client waits behind a handshake before it begins the next.
  std::chrono::nanoseconds think_time{};
  // What begins, or in an open loop was planned, so soon behind the start is left out of the
  // report.
  std::chrono::nanoseconds warmup{};
  // Judged at the end, or over each of its windows behind the warm-up: the run has failed if one
  // holds, or cannot be told.
  std::vector<Condition> fail_if = {};
  // Judged over each of its windows behind the warm-up, a second each if it has none: the run ends
  // early once one holds.
  std::vector<Condition> stop_if = {};
  // Keeps the times of the first handshakes, on each thread, whose X is a multiple of
  // sample_stride, and that were ok: at most so many. 0: of none.
  int64_t samples = 0;
  int64_t sample_stride = 1;
  std::optional<OpenLoop> open = std::nullopt;  // then the loop is open, and concurrency unused
  int64_t most_at_once() const { return open ? open->max_in_flight : concurrency; }
};

// What to change of a run that goes on.
struct LoadChange {
  std::optional<double> rate = std::nullopt;          // open loop, but not one of stages
  std::optional<int64_t> concurrency = std::nullopt;  // closed loop
  std::optional<bool> paused = std::nullopt;          // begins nothing; what is under way goes on
};

// Something that happened to a run.
struct RunEvent {
  std::chrono::nanoseconds elapsed{};  // since the start
  std::string text;                    // for people: "rate 1000 -> 2000", "paused"
};

// Handshakes, and what became of them.
struct Outcomes {
  int64_t started = 0;                               // begun (connect called)
  std::array<int64_t, wire::kVerdictCount> ended{};  // by verdict; [kOk] is the successes
  int64_t in_flight = 0;                             // started and not ended
  void Add(const Outcomes& others);
};

// The numbers of a run, so far or at its end, without its warm-up. Copyable.
struct LoadReport {
  // The start to now, or to the end; 0 while the run makes sure of its target.
  std::chrono::nanoseconds elapsed{};
  std::chrono::nanoseconds measured{};               // of that, behind the warm-up
  int64_t started = 0;                               // handshakes begun (connect called)
  std::array<int64_t, wire::kVerdictCount> ended{};  // by verdict; [kOk] is the successes
  int64_t in_flight = 0;                             // started and not ended
  Outcomes
      left_out;  // in no other count here: of the warm-up, and those that made sure of the target
  int64_t peak_connections = 0;  // most that stood at once, warm-up too
  // Open loop; else 0 and empty. planned = started + dropped + unsent().
  int64_t planned = 0;         // arrivals whose time has come
  int64_t dropped = 0;         // that found no free place
  stats::Histogram intended;   // of successes: intended start to FIN read, us
  stats::Histogram send_lag;   // of all started: intended start to connect, us
  stats::Histogram handshake;  // of successes: connect to FIN read, us
  // Phases of successes, us.
  stats::Histogram connect;        // connect to established
  stats::Histogram reply;          // established to message 2 read
  stats::Histogram close;          // message 3 sent to FIN read
  std::chrono::nanoseconds cpu{};  // of the run's threads
  // In that time, but not of this run alone: of all CPUs' time, what the machine's host took away
  // (steal), from 0 to 1; and what this network namespace sent again.
  double stolen_cpu_share = 0;
  int64_t retransmitted_segments = 0;
  int64_t retransmitted_syns = 0;  // of these; and answers to SYNs
  bool cancelled = false;          // ended early by Cancel()
  bool done = false;
  int64_t threads = 0;
  double rate = 0;                         // open loop: asked for now; 0 in stages
  int64_t concurrency = 0;                 // closed loop: asked for now
  int64_t most_concurrency = 0;            // and the most that was
  bool paused = false;                     // now
  std::chrono::nanoseconds paused_time{};  // of `measured`
  std::vector<RunEvent> events;            // the first 1,000
  int64_t event_count = 0;                 // of all
  // Why it was ended, as failed, for the sake of its target: no correct answer in those connects or
  // for 5 s, or too many failures on one beyond loopback; empty: it was not.
  std::string given_up;
  std::string stopped_by;             // the condition that ended it early; empty: none
  std::vector<std::string> breaches;  // of fail_if, once done, with what was measured
  std::string shortfall;              // what it did not do of what was asked, once done
  Judgement judgement;
  LoadReport();
  int64_t ok() const { return ended[static_cast<int>(wire::Verdict::kOk)]; }
  int64_t failed() const;  // ended, not ok
  // Of successes: from the intended start in an open loop, else from connect.
  const stats::Histogram& latency() const { return intended.count() > 0 ? intended : handshake; }
  // The counts and latencies since `earlier`, an older report of the same run.
  LoadReport Since(const LoadReport& earlier) const;
  // Arrivals that the generator had not got round to when the run ended.
  int64_t unsent() const { return planned - started - dropped; }
};

// When the steps of one handshake happened that was ok.
struct HandshakeSample {
  int64_t sequence = 0;      // X
  wire::TimePoint intended;  // in a closed loop as `started`
  wire::TimePoint started;
  wire::TimePoint established;
  wire::TimePoint replied;  // message 2 was read
  wire::TimePoint ended;    // the FIN was read
};

class LoadSeries;

// Thread-safe. Owns its threads; the destructor cancels and joins.
class LoadRun {
 public:
  // INVALID_ARGUMENT with what to change; RESOURCE_EXHAUSTED if the fd limit is too low for the
  // connections at once, with the number that would do.
  static absl::StatusOr<std::unique_ptr<LoadRun>> Start(const LoadSpec& spec);
  ~LoadRun();

  // As asked, with max_in_flight chosen, and the duration that stages give.
  const LoadSpec& spec() const;
  LoadReport Report() const;
  // From now on; a rate that is raised or lowered continues where it is, without a gap or a burst,
  // and the arrivals of a pause are not planned. What the run chose by itself at its start, threads
  // and max_in_flight, stays. All of it or nothing. INVALID_ARGUMENT: out of range.
  // FAILED_PRECONDITION: the run has ended, or is not of that kind. RESOURCE_EXHAUSTED: the fd
  // limit is too low, or the run was changed 100,000 times.
  absl::Status Change(const LoadChange& change);
  // The whole seconds so far; once done, all of the run: its points then add up to the report.
  LoadSeries Series() const;
  // Of a run that is done; see LoadSpec::samples. In no order.
  std::vector<HandshakeSample> Samples() const;
  wire::TimePoint started() const;
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

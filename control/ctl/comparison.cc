#include "control/ctl/comparison.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/net/address.h"
#include "control/ctl/held_load.h"
#include "control/report/compare_report.h"
#include "control/report/humane.h"
#include "control/report/names.h"
#include "control/rpc/channel.h"

namespace handshake::ctl {
namespace {

using std::chrono::nanoseconds;

// For a younger snapshot, in all for ten times its tick.
constexpr std::chrono::milliseconds kLookAgain{20};
constexpr int kLooks = 50;

// Was the call perhaps served, and the answer lost?
bool Lost(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

bool SameProcess(const v1::Server& a, const v1::Server& b) {
  return a.process_id() == b.process_id() && a.start_time().seconds() == b.start_time().seconds() &&
         a.start_time().nanos() == b.start_time().nanos();
}

// A process id comes again, in a container always the same.
std::string RequestPrefix() {
  return absl::StrFormat("compare-%d-%d", getpid(),
                         std::chrono::system_clock::now().time_since_epoch().count());
}

}  // namespace

// 0.0.0.0 and [::] are no destinations.
std::string TargetOf(const v1::Server& server) {
  if (server.listen_addresses().empty()) return "";
  const std::string& address = server.listen_addresses(0);
  for (const auto& [any, loopback] :
       {std::pair("0.0.0.0:", "127.0.0.1:"), std::pair("[::]:", "[::1]:")}) {
    if (address.starts_with(any)) return loopback + address.substr(std::string_view(any).size());
  }
  return address;
}

Comparison::Comparison(Context& context, const std::shared_ptr<grpc::Channel>& agent,
                       std::string agent_endpoint, const ComparisonSpec& spec)
    : context_(context),
      agent_(agent),
      agent_endpoint_(std::move(agent_endpoint)),
      spec_(spec),
      server_(v1::ServerService::NewStub(context.channel())),
      request_prefix_(RequestPrefix()) {}

Comparison::~Comparison() { (void)Restore(); }

std::optional<Stop> Comparison::Run() {
  start_ = Clock::now();
  if (End end = Prepare()) return end;
  const std::vector<std::vector<size_t>> plan =
      report::RandomRounds(static_cast<size_t>(report_.modes_size()), spec_.rounds, spec_.seed);
  End end;
  for (size_t i = 0; i < plan.size() && !end; ++i) {
    end = Round(static_cast<int64_t>(i) + 1, plan[i]);
    if (!end) report_.set_done_round_count(static_cast<int64_t>(i) + 1);
  }
  live_.Wipe();
  *report_.mutable_elapsed() = ToProto(Clock::now() - start_);
  if (end) report_.set_stop_reason(end->reason);
  return end;
}

Comparison::End Comparison::Prepare() {
  v1::Server& server = *report_.mutable_server();
  grpc::Status status = context_.Call(
      [&](grpc::ClientContext& call) { return server_->GetServer(&call, {}, &server); });
  if (!status.ok()) return ServerStop(status);
  v1::ListModesResponse known;
  status = context_.Call(
      [&](grpc::ClientContext& call) { return server_->ListModes(&call, {}, &known); });
  if (!status.ok()) return ServerStop(status);
  generation_ = server.generation();
  report_.set_schema_version("1");
  *report_.mutable_load() = spec_.load;
  report_.mutable_load()->set_target(TargetOf(server));
  *report_.mutable_block_time() = ToProto(spec_.block);
  *report_.mutable_settle_time() = ToProto(spec_.settle);
  report_.set_seed(static_cast<int64_t>(spec_.seed));
  report_.set_round_count(spec_.rounds);
  report_.set_confidence(report::kCompareConfidence);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  report_.mutable_start_time()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(now).count());
  return ChooseModes(known);
}

Comparison::End Comparison::ChooseModes(const v1::ListModesResponse& known) {
  std::vector<v1::Mode> modes = spec_.modes;
  for (const v1::ModeInfo& info : known.modes()) {
    const bool named = std::find(modes.begin(), modes.end(), info.mode()) != modes.end();
    if (info.available()) {
      if (spec_.modes.empty()) modes.push_back(info.mode());
    } else if (named) {
      return Stop{kExitRefused, absl::StrFormat("%s cannot run there: %s", info.name(),
                                                info.unavailable_reason())};
    } else if (spec_.modes.empty()) {
      *report_.add_skipped_modes() = info;
    }
  }
  std::map<v1::Mode, int> seen;
  for (const v1::Mode mode : modes) {
    v1::ComparedMode& compared = *report_.add_modes();
    compared.set_mode(mode);
    const int nth = ++seen[mode];
    compared.set_name(nth == 1 ? report::ModeName(mode)
                               : absl::StrFormat("%s#%d", report::ModeName(mode), nth));
  }
  if (modes.size() < 2) {
    return Stop{kExitRefused, "there is only one mode that can run there: nothing to compare"};
  }
  v1::Mode baseline = spec_.baseline.value_or(report_.server().mode());
  if (std::find(modes.begin(), modes.end(), baseline) == modes.end()) baseline = modes.front();
  report_.set_baseline(report::ModeName(baseline));
  return std::nullopt;
}

v1::LoadSpec Comparison::LoadOf(int64_t round) const {
  v1::LoadSpec load = report_.load();
  *load.mutable_duration() =
      ToProto((spec_.block + spec_.settle) * report_.modes_size() + kRoundSlack);
  if (load.rate_per_second() > 0) load.set_seed(report_.seed() + round - 1);
  return load;
}

Comparison::End Comparison::Round(int64_t round, const std::vector<size_t>& order) {
  HeldLoad load(context_, agent_);
  v1::LoadRun run;
  grpc::Status status = load.Start(LoadOf(round), &run);
  if (!status.ok()) return StopOf(status, agent_endpoint_);
  End end;
  for (size_t i = 0; i < order.size() && !end; ++i) {
    end = Block(round, report_.modes(static_cast<int>(order[i])), load);
  }
  // What the generator says of itself, before it is stopped.
  if (!end && !(status = load.Get(&run)).ok()) end = StopOf(status, agent_endpoint_);
  const bool limited = !end && run.bottleneck() == v1::LoadRun::BOTTLENECK_GENERATOR;
  if (limited || report_.generator_limited_round_count() == 0) {
    report_.set_bottleneck_reason(run.bottleneck_reason());
  }
  report_.set_generator_limited_round_count(report_.generator_limited_round_count() +
                                            (limited ? 1 : 0));
  if (load.Finish(&run).ok()) AddTotals(run);
  return end;
}

Comparison::End Comparison::Block(int64_t round, const v1::ComparedMode& mode, HeldLoad& load) {
  DrawProgress(mode);
  if (End end = Switch(mode.mode())) return end;
  if (End end = Pause(spec_.settle)) return end;
  v1::Stats stats_before;
  v1::LoadRun run_before;
  if (End end = Stats(&stats_before)) return end;
  grpc::Status status = load.Get(&run_before);
  if (!status.ok()) return StopOf(status, agent_endpoint_);
  if (End end = Pause(spec_.block)) return end;
  v1::Stats stats_after;
  v1::LoadRun run_after;
  for (int i = 0; i < kLooks; ++i) {  // a starved server may still have the snapshot from before
    if (End end = Stats(&stats_after)) return end;
    if (stats_after.sequence() != stats_before.sequence()) break;
    if (End end = Pause(kLookAgain)) return end;
  }
  status = load.Get(&run_after);
  if (!status.ok()) return StopOf(status, agent_endpoint_);
  if (run_after.state() != v1::LoadRun::STATE_RUNNING) {
    return Stop{kExitBadOutcome, absl::StrFormat("the load run %s ended in the middle: %s",
                                                 run_after.id(), run_after.state_reason())};
  }
  v1::CompareBlock block =
      report::MeasureBlock(mode.mode(), run_before, run_after, stats_before, stats_after);
  block.set_round(round);
  block.set_name(mode.name());
  block.set_generation(generation_);
  *report_.add_blocks() = std::move(block);
  return std::nullopt;
}

Comparison::End Comparison::Switch(v1::Mode mode) {
  v1::ModeSwitch change;
  const grpc::Status status = AskToSwitch(mode, &change);
  if (Lost(status)) {
    changed_ = true;
    unanswered_ = mode;
  }
  if (!status.ok()) return Refused(status);
  if (change.state() != v1::ModeSwitch::STATE_UNCHANGED) {
    report_.set_switch_count(report_.switch_count() + 1);
  }
  generation_ = change.generation();
  changed_ = mode != report_.server().mode();
  return std::nullopt;
}

grpc::Status Comparison::AskToSwitch(v1::Mode mode, v1::ModeSwitch* change) {
  v1::SwitchModeRequest request;
  request.set_mode(mode);
  request.set_expected_generation(generation_);
  request.set_request_id(absl::StrFormat("%s-%d", request_prefix_, ++request_count_));
  // The mode of the start comes back as it was.
  if (mode == report_.server().mode()) request.set_worker_count(report_.server().worker_count());
  // An interrupt does not cancel this: we must know what is in force.
  const auto ask = [&] {
    grpc::ClientContext call;
    context_.SetDeadline(call);
    return server_->SwitchMode(&call, request, change);
  };
  const grpc::Status first = ask();
  if (!Lost(first)) return first;
  const grpc::Status second = ask();
  // What it refuses now says nothing of what it did before.
  return second.ok() ? second : first;
}

Comparison::End Comparison::FindGeneration() {
  grpc::ClientContext call;  // an interrupt does not cancel this
  context_.SetDeadline(call);
  v1::Server now;
  const grpc::Status status = server_->GetServer(&call, {}, &now);
  if (!status.ok()) {
    return Stop{kExitUnreachable,
                absl::StrFormat("which mode is in force is unknown, it was %s: %s",
                                report::ModeName(report_.server().mode()),
                                control::Explain(status, context_.endpoint()).message())};
  }
  const bool ours = now.generation() == generation_ || now.mode() == *unanswered_;
  if (!SameProcess(now, report_.server()) || !ours) {
    return Stop{kExitRefused,
                absl::StrFormat("%s is in force (generation %d), and stays: it is another's switch",
                                report::ModeName(now.mode()), now.generation())};
  }
  generation_ = now.generation();
  return std::nullopt;
}

Stop Comparison::Refused(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::ABORTED) return ServerStop(status);
  v1::Server now;
  const grpc::Status asked =
      context_.Call([&](grpc::ClientContext& call) { return server_->GetServer(&call, {}, &now); });
  if (!asked.ok()) return ServerStop(asked);
  generation_ = 0;  // it is not ours to put back
  const v1::Server& then = report_.server();
  if (!SameProcess(now, then)) {
    return {kExitUnreachable, "the server was restarted meanwhile: start again"};
  }
  return {kExitRefused,
          absl::StrFormat("somebody else switches the server: %s is in force (generation %d), "
                          "and stays; see: handshakectl mode history",
                          report::ModeName(now.mode()), now.generation())};
}

Comparison::End Comparison::Stats(v1::Stats* stats) {
  const grpc::Status status =
      context_.Call([&](grpc::ClientContext& call) { return server_->GetStats(&call, {}, stats); });
  if (!status.ok()) return ServerStop(status);
  if (stats->generation() == generation_) return std::nullopt;
  // As SwitchMode would say it.
  return Refused(grpc::Status(grpc::StatusCode::ABORTED, "another generation is in force"));
}

Comparison::End Comparison::Pause(nanoseconds time) {
  if (context_.interrupts().WaitFor(time)) return Stop{kExitInterrupted, "interrupted"};
  return std::nullopt;
}

std::optional<Stop> Comparison::Restore() {
  if (!changed_ || generation_ == 0) return std::nullopt;
  changed_ = false;
  if (context_.interrupts().happened()) {
    context_.Complain("restoring the mode " + report::ModeName(report_.server().mode()));
  }
  if (unanswered_) {
    if (End unknown = FindGeneration()) return unknown;
  }
  v1::ModeSwitch change;
  const grpc::Status status = AskToSwitch(report_.server().mode(), &change);
  if (status.ok()) {
    const bool switched = change.state() != v1::ModeSwitch::STATE_UNCHANGED;
    report_.set_switch_count(report_.switch_count() + (switched ? 1 : 0));
    return std::nullopt;
  }
  Stop stop = ServerStop(status);
  stop.reason = absl::StrFormat("%s is not in force again: %s",
                                report::ModeName(report_.server().mode()), stop.reason);
  return stop;
}

void Comparison::AddTotals(const v1::LoadRun& run) {
  report_.set_ok_count(report_.ok_count() + run.ok_count());
  report_.set_failed_count(report_.failed_count() + run.failed_count());
  for (const v1::VerdictCount& failure : run.failures()) {
    auto& failures = *report_.mutable_failures();
    const auto known = std::find_if(
        failures.begin(), failures.end(),
        [&](const v1::VerdictCount& entry) { return entry.verdict() == failure.verdict(); });
    if (known == failures.end()) {
      *failures.Add() = failure;
    } else {
      known->set_count(known->count() + failure.count());
    }
  }
}

void Comparison::DrawProgress(const v1::ComparedMode& mode) {
  const auto done = static_cast<size_t>(report_.blocks_size());
  const auto all = static_cast<size_t>(spec_.rounds * report_.modes_size());
  // What a block has taken so far; of the first one, what it should.
  const nanoseconds each =
      done == 0 ? spec_.block + spec_.settle
                : nanoseconds((Clock::now() - start_).count() / static_cast<int64_t>(done));
  live_.Draw(
      report::CompareProgress(report_, done, mode.name(), each * static_cast<int64_t>(all - done)));
}

Stop Comparison::StopOf(const grpc::Status& status, const std::string& endpoint) {
  if (context_.interrupts().happened()) return {kExitInterrupted, "interrupted"};
  return {Lost(status) ? kExitUnreachable : kExitRefused,
          std::string(control::Explain(status, endpoint).message())};
}

}  // namespace handshake::ctl

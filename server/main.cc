// handshake-server: one data plane, its operator's port, and how the process starts and ends.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/target_list.h"
#include "common/log/log.h"
#include "common/net/address.h"
#include "common/text/duration.h"
#include "common/text/version.h"
#include "control/report/flags.h"
#include "control/report/terminal.h"
#include "control/rpc/host.h"
#include "control/services/load_service.h"
#include "control/services/server_service.h"
#include "server/data_plane.h"
#include "server/door/cpus.h"
#include "server/line_log.h"
#include "spdlog/spdlog.h"

namespace handshake {
namespace {

// What the process needs beside connections: libraries, control, reserve, engines.
constexpr rlim_t kLeastFds = 128;
// Control calls that are open when everything else has stopped get this long.
constexpr std::chrono::milliseconds kControlGrace{500};
// A process that has not ended this long after its drain timeout is stuck, and ends with this code.
constexpr std::chrono::seconds kHardStop{9};
// Beyond what descriptors allow (--io-uring-direct) there may be many to end: a second more for
// each so many.
constexpr int64_t kEndedPerSecond = 40'000;
constexpr int kStuckExit = 1;

// As given on the command line.
struct Flags {
  std::vector<std::string> listen = {"127.0.0.1:7000"};
  std::string control = "127.0.0.1:7001";
  std::vector<std::string> allow_load;
  std::string mode = "epoll";
  std::string framing = "auto";
  server::EngineOptions engine;
  std::string cpus;
  std::chrono::nanoseconds drain_timeout = server::kDefaultDrainTimeout;
  wire::HandshakeOptions handshake;
  wire::ConversationOptions conversation;
  bool lines_sink = false;
  log::LogOptions log;
};

// As understood.
struct Options {
  server::DataPlaneOptions data_plane;
  net::Address control;
  client::TargetList load_targets;
  std::chrono::nanoseconds drain_timeout{};
};

// "sequential, thread-per-connection, ..."
std::string ModeNames() {
  return absl::StrJoin(server::kModeNames, ", ",
                       [](std::string* out, std::string_view name) { out->append(name); });
}

// Each flag has its environment equivalent from the same definition: --max-threads is
// HANDSHAKE_MAX_THREADS.
CLI::Option* WithEnvironment(CLI::Option* option) {
  std::string name = "HANDSHAKE_";
  for (const char c : option->get_lnames().front()) {
    name += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  }
  return option->envname(name);
}

void DefineFlags(CLI::App& app, Flags& flags) {
  app.footer(
      absl::StrFormat("Modes: %s.\n", ModeNames()) +
      "Protocols: handshake (the default), lines, command: --listen lines=127.0.0.1:7010\n"
      "Every flag can be given by the environment variable named beside it; the command line wins."
      "\nDurations: 500ms, 5s, 1m. SIGTERM or SIGINT stops, drains and ends with 0; a second one "
      "ends\nat once.\n\n"
      "Exit codes:\n"
      "  0    stopped as asked\n"
      "  1    was stuck while stopping\n"
      "  2    could not start: the command line is wrong, a port is taken, a limit is too low\n"
      "  130, 143  ended at once by a second signal\n\n"
      "Examples:\n"
      "  handshake-server\n"
      "  handshake-server --listen 127.0.0.1:7000 --listen [::1]:7000 \\\n"
      "      --mode thread-pool\n"
      "  handshake-server --listen 127.0.0.1:0 --control 127.0.0.1:0   # free ports, printed");
  app.set_version_flag("--version", absl::StrFormat("handshake-server %s", text::Version()),
                       "Show the version");
  const auto add = [&app](const char* name, auto& value, const char* type, const char* help) {
    return WithEnvironment(app.add_option(name, value, help)->type_name(type))
        ->capture_default_str();
  };
  const auto add_duration = [&app](const char* name, std::chrono::nanoseconds& value,
                                   const char* help) {
    WithEnvironment(report::AddDuration(app, name, &value, help));
  };
  add("--listen", flags.listen, "[PROTOCOL=]ADDRESS", "Serve at HOST:PORT; repeats; port 0: free")
      ->delimiter(',');
  add("--control", flags.control, "ADDRESS", "Control (gRPC), loopback only");
  add("--allow-load", flags.allow_load, "RANGE",
      "Let load runs go to CIDR:PORT too, as 10.0.0.0/8:7000")
      ->delimiter(',');
  add("--mode", flags.mode, "MODE", "Mode to start in, see below");
  add("--framing", flags.framing, "FRAMING", "auto, line or bare");
  add("--max-threads", flags.engine.max_threads, "N", "thread-per-connection: most at once");
  add("--pool-threads", flags.engine.pool_threads, "N", "thread-pool; 0: max(4, 2 x CPUs)");
  add("--workers", flags.engine.workers, "N", "event modes: threads; 0: max(1, CPUs / 2)");
  add("--io-uring-direct", flags.engine.io_uring_direct, "N",
      "io-uring: hold N connections without file descriptors; 0: off");
  add("--cpus", flags.cpus, "LIST", "CPUs that serve, as 0-3,8; default: all allowed");
  add_duration("--drain-timeout", flags.drain_timeout, "At the end, for what is in progress");
  add_duration("--step-timeout", flags.handshake.step_timeout, "Deadline of each message");
  add_duration("--handshake-timeout", flags.handshake.handshake_timeout, "Deadline of all three");
  add_duration("--bare-grace", flags.handshake.bare_grace, "auto: wait for a line end");
  add_duration("--message-timeout", flags.conversation.message_timeout,
               "lines, command: for a whole message");
  add_duration("--write-timeout", flags.conversation.write_timeout,
               "lines, command: for an answer to be taken");
  add_duration("--idle-timeout", flags.conversation.idle_timeout,
               "lines, command: of silence, unless pinged");
  add_duration("--ping-interval", flags.conversation.ping_interval,
               "lines: PING after such a silence; 0s: never");
  WithEnvironment(app.add_flag("--lines-sink", flags.lines_sink,
                               "lines: write them to the log, answer nothing"));
  add("--log-format", flags.log.format, "FORMAT", "text or json lines, to stderr");
  add("--log-level", flags.log.level, "LEVEL", "trace to error, or off");
}

absl::Status InFlag(std::string_view flag, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", flag, std::string(status.message())));
}

absl::StatusOr<wire::Framing> ReadFraming(std::string_view name) {
  for (wire::Framing framing : {wire::Framing::kAuto, wire::Framing::kLine, wire::Framing::kBare}) {
    if (wire::FramingName(framing) == name) return framing;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("--framing: no framing '%s': use auto, line or bare", name));
}

wire::LinesOptions LinesOptionsOf(const Flags& flags) {
  static const server::LineLog log;
  wire::LinesOptions options;
  static_cast<wire::ConversationOptions&>(options) = flags.conversation;
  if (flags.lines_sink) options.sink = &log;
  return options;
}

wire::CommandOptions CommandOptionsOf(const Flags& flags) {
  wire::CommandOptions options;
  static_cast<wire::ConversationOptions&>(options) = flags.conversation;
  options.ping_interval = wire::Duration::zero();  // it has no pings
  options.version = text::Version();
  return options;
}

using ProtocolsByName = std::map<std::string_view, server::ProtocolOptions>;

// [PROTOCOL=]ADDRESS
absl::StatusOr<server::ListenerOptions> ReadListener(std::string_view text,
                                                     const ProtocolsByName& protocols) {
  const size_t equals = text.find('=');
  const bool named = equals != std::string_view::npos;
  const std::string_view name = named ? text.substr(0, equals) : "handshake";
  const auto protocol = protocols.find(name);
  if (protocol == protocols.end()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "no protocol '%s'; there are handshake (the default), lines and command, as "
        "lines=127.0.0.1:7010",
        name));
  }
  const absl::StatusOr<net::Address> address =
      net::Address::Parse(std::string(named ? text.substr(equals + 1) : text));
  if (!address.ok()) return address.status();
  return server::ListenerOptions{.address = *address, .protocol = protocol->second};
}

absl::StatusOr<Options> Read(const Flags& flags) {
  Options options;
  const absl::StatusOr<wire::Framing> framing = ReadFraming(flags.framing);
  if (!framing.ok()) return framing.status();
  wire::HandshakeOptions handshake = flags.handshake;
  handshake.framing = *framing;
  const ProtocolsByName protocols = {
      {"handshake", handshake},
      {"lines", LinesOptionsOf(flags)},
      {"command", CommandOptionsOf(flags)},
  };
  for (const std::string& text : flags.listen) {
    absl::StatusOr<server::ListenerOptions> listener = ReadListener(text, protocols);
    if (!listener.ok()) return InFlag("--listen", listener.status());
    options.data_plane.listeners.push_back(*std::move(listener));
  }
  const absl::StatusOr<net::Address> control = net::Address::Parse(flags.control);
  if (!control.ok()) return InFlag("--control", control.status());
  options.control = *control;
  for (const std::string& range : flags.allow_load) {
    absl::Status allowed = options.load_targets.Allow(range);
    if (!allowed.ok()) return InFlag("--allow-load", allowed);
  }
  const auto mode = server::ModeByName(flags.mode);
  if (!mode) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--mode: no mode '%s'; there are %s", flags.mode, ModeNames()));
  }
  options.data_plane.mode = *mode;
  options.data_plane.engine = flags.engine;
  if (!flags.cpus.empty()) {
    absl::StatusOr<std::vector<int>> cpus = server::ParseCpus(flags.cpus);
    if (!cpus.ok()) return InFlag("--cpus", cpus.status());
    options.data_plane.engine.cpus = *std::move(cpus);
  }
  options.drain_timeout = flags.drain_timeout;
  if (options.drain_timeout > server::kMaxDrainTimeout) {
    return absl::InvalidArgumentError("--drain-timeout: at most 1m");
  }
  return options;
}

struct FdLimits {
  rlim_t before = 0;
  rlim_t now = 0;
};

// A connection is a file descriptor: as many as the administrator allows.
absl::StatusOr<FdLimits> RaiseFdLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::InternalError("getrlimit failed");
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (limit.rlim_max < kLeastFds) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "the limit on open files is %d: at least %d are needed, raise it (ulimit -n)",
        limit.rlim_max, kLeastFds));
  }
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  return FdLimits{.before = before, .now = limit.rlim_cur};
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Returns when the process is asked to stop. The next such signal ends it at once, and so does the
// time `hard_stop` from now.
int AwaitStopSignal(std::chrono::nanoseconds hard_stop) {
  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  struct sigaction end_at_once = {};
  end_at_once.sa_handler = [](int again) { _exit(128 + again); };
  sigaction(SIGTERM, &end_at_once, nullptr);
  sigaction(SIGINT, &end_at_once, nullptr);
  // Whatever is stuck, the process ends.
  struct sigaction give_up = {};
  give_up.sa_handler = [](int) { _exit(kStuckExit); };
  sigaction(SIGALRM, &give_up, nullptr);
  alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(hard_stop).count()));
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return signal;
}

void PrintReady(server::DataPlane& data_plane, const control::Host& host) {
  for (const server::ListenerStats& listener : data_plane.Stats()->listeners) {
    absl::PrintF("listening on %s (%s%s)\n", listener.address, listener.protocol,
                 listener.framing.empty() ? "" : ", " + listener.framing);
  }
  absl::PrintF("control on %s\n", host.address().ToString());
  absl::PrintF("ready: mode %s, pid %d\n", server::ModeName(data_plane.mode()), ::getpid());
  std::fflush(stdout);
}

// Handshakes that were still in progress at the end.
int64_t CutOff(server::DataPlane& data_plane) {
  int64_t count = 0;
  for (const server::ModeStats& mode : data_plane.Stats()->modes) {
    count += mode.ended[static_cast<size_t>(wire::Verdict::kClosedAtShutdown)];
  }
  return count;
}

// Serves until a signal says stop.
absl::Status Run(const Options& options) {
  const absl::StatusOr<FdLimits> fds = RaiseFdLimit();
  if (!fds.ok()) return fds.status();
  // Before there is a thread that would not inherit it.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto data_plane = server::DataPlane::Start(options.data_plane);
  if (!data_plane.ok()) return data_plane.status();
  control::ServerService server_service(**data_plane);
  client::TargetList load_targets = options.load_targets;
  for (const net::Address& listener : (*data_plane)->addresses()) {
    load_targets.AllowListener(listener);
  }
  control::LoadService load_service(std::move(load_targets));
  auto host =
      control::Host::Start(options.control, {server_service.hosted(), load_service.hosted()});
  if (!host.ok()) return host.status();
  spdlog::info("file descriptor limit {}, was {}", fds->now, fds->before);
  PrintReady(**data_plane, **host);

  const int64_t direct = options.data_plane.engine.io_uring_direct;
  const int signal = AwaitStopSignal(options.drain_timeout + kHardStop +
                                     std::chrono::seconds(direct / kEndedPerSecond));
  spdlog::info("signal {}: stopping, at most {} for what is in progress", signal,
               text::FormatDuration(options.drain_timeout));
  (*host)->ReportNotServing();
  load_service.Stop();
  (*data_plane)->Stop(options.drain_timeout);
  server_service.Stop();
  (*host)->Shutdown(kControlGrace);
  const int64_t cut = CutOff(**data_plane);
  if (cut > 0) spdlog::warn("{} connections were cut off: they outlasted the drain timeout", cut);
  spdlog::info("stopped");
  return absl::OkStatus();
}

int Fail(const absl::Status& status) {
  report::PrintError("handshake-server", std::string(status.message()));
  return report::kExitUsage;
}

}  // namespace
}  // namespace handshake

int main(int argc, char** argv) {
  using namespace handshake;
  CLI::App app("Serves handshakes over TCP; its concurrency mode can be changed while it serves.",
               "handshake-server");
  report::UseHelpStyle(app);
  Flags flags;
  DefineFlags(app, flags);
  if (const std::optional<int> code = report::Parse(app, argc, argv)) return *code;
  if (absl::Status status = log::SetUp(flags.log); !status.ok()) return Fail(status);
  const absl::StatusOr<Options> options = Read(flags);
  if (!options.ok()) return Fail(options.status());
  if (absl::Status status = Run(*options); !status.ok()) return Fail(status);
  return 0;
}

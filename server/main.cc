// handshake-server: one data plane, its operator's port, and how the process starts and ends.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "common/log/log.h"
#include "common/net/address.h"
#include "common/text/duration.h"
#include "common/text/version.h"
#include "control/rpc/host.h"
#include "control/services/load_service.h"
#include "control/services/server_service.h"
#include "server/data_plane.h"
#include "spdlog/spdlog.h"

namespace handshake {
namespace {

constexpr int kUsageError = 2;  // also: a port is taken, a limit is too low
// What the process needs beside connections: libraries, control, reserve, engines.
constexpr rlim_t kLeastFds = 128;
// Control calls that are open when everything else has stopped get this long.
constexpr std::chrono::milliseconds kControlGrace{500};

// As given on the command line.
struct Flags {
  std::vector<std::string> listen = {"127.0.0.1:7000"};
  std::string control = "127.0.0.1:7001";
  std::string mode = "epoll";
  std::string framing = "auto";
  server::EngineOptions engine;
  std::string drain_timeout = "1s";
  std::string step_timeout = text::FormatDuration(wire::kStepTimeout);
  std::string handshake_timeout = text::FormatDuration(wire::kHandshakeTimeout);
  std::string bare_grace = text::FormatDuration(wire::kBareGrace);
  log::LogOptions log;
};

// As understood.
struct Options {
  server::DataPlaneOptions data_plane;
  net::Address control;
  std::chrono::nanoseconds drain_timeout{};
};

// Each flag has its environment equivalent from the same definition: --max-threads is
// HANDSHAKE_MAX_THREADS.
template <class Value>
CLI::Option* AddFlag(CLI::App& app, std::string_view name, Value& value, const std::string& help) {
  std::string environment = "HANDSHAKE_";
  for (char c : name.substr(2)) {
    environment += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  }
  return app.add_option(std::string(name), value, help)
      ->envname(environment)
      ->capture_default_str();
}

void DefineFlags(CLI::App& app, Flags& flags) {
  app.description(
      "Serves three-message handshakes over TCP; its concurrency mode can be changed while it "
      "serves.\nEvery option can be given by the environment variable named beside it; the command "
      "line wins.");
  app.footer(
      "Examples:\n"
      "  handshake-server\n"
      "  handshake-server --listen 127.0.0.1:7000 --listen [::1]:7000 --mode thread-pool\n"
      "  handshake-server --listen 127.0.0.1:0 --control 127.0.0.1:0   (free ports, printed)\n\n"
      "Durations: 500ms, 5s, 1m. SIGTERM or SIGINT stops, drains and ends with 0; a second one "
      "ends "
      "at once.\nExit codes: 0 stopped as asked, 2 could not start.");
  app.set_version_flag("--version", absl::StrFormat("handshake-server %s", text::Version()),
                       "Print the version and exit");
  AddFlag(app, "--listen", flags.listen,
          "Data-plane address HOST:PORT; repeat it, or separate by commas; port 0: a free one")
      ->delimiter(',');
  AddFlag(app, "--control", flags.control, "Control (gRPC) address, loopback only");
  AddFlag(app, "--mode", flags.mode,
          "Concurrency mode to start in: sequential, thread-per-connection, thread-pool, epoll");
  AddFlag(app, "--framing", flags.framing, "How messages are told apart: auto, line, bare");
  AddFlag(app, "--max-threads", flags.engine.max_threads,
          "thread-per-connection: accepting pauses at this many");
  AddFlag(app, "--pool-threads", flags.engine.pool_threads,
          "thread-pool: its threads; 0: max(4, 2 x CPUs)");
  AddFlag(app, "--workers", flags.engine.workers, "epoll: reactor threads; 0: max(1, CPUs / 2)");
  AddFlag(app, "--drain-timeout", flags.drain_timeout,
          "At the end: how long handshakes in progress may go on, at most 1m");
  AddFlag(app, "--step-timeout", flags.step_timeout, "Deadline of each message");
  AddFlag(app, "--handshake-timeout", flags.handshake_timeout, "Deadline of a whole handshake");
  AddFlag(app, "--bare-grace", flags.bare_grace,
          "framing auto: how long a complete-looking message waits for its line end");
  AddFlag(app, "--log-format", flags.log.format, "text or json, one line a message, to stderr");
  AddFlag(app, "--log-level", flags.log.level, "trace, debug, info, warn, error or off");
}

absl::Status InFlag(std::string_view flag, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", flag, std::string(status.message())));
}

absl::Status ReadDuration(std::string_view flag, const std::string& text,
                          std::chrono::nanoseconds& to) {
  const auto duration = text::ParseDuration(text);
  if (!duration.ok()) return InFlag(flag, duration.status());
  to = *duration;
  return absl::OkStatus();
}

absl::StatusOr<wire::HandshakeOptions> ReadHandshakeOptions(const Flags& flags) {
  wire::HandshakeOptions options;
  bool known = false;
  for (wire::Framing framing : {wire::Framing::kAuto, wire::Framing::kLine, wire::Framing::kBare}) {
    if (wire::FramingName(framing) != flags.framing) continue;
    options.framing = framing;
    known = true;
  }
  if (!known) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--framing: no framing '%s': use auto, line or bare", flags.framing));
  }
  for (const absl::Status& status :
       {ReadDuration("--step-timeout", flags.step_timeout, options.step_timeout),
        ReadDuration("--handshake-timeout", flags.handshake_timeout, options.handshake_timeout),
        ReadDuration("--bare-grace", flags.bare_grace, options.bare_grace)}) {
    if (!status.ok()) return status;
  }
  return options;
}

absl::StatusOr<Options> Read(const Flags& flags) {
  Options options;
  const absl::StatusOr<wire::HandshakeOptions> handshake = ReadHandshakeOptions(flags);
  if (!handshake.ok()) return handshake.status();
  for (const std::string& text : flags.listen) {
    const absl::StatusOr<net::Address> address = net::Address::Parse(text);
    if (!address.ok()) return InFlag("--listen", address.status());
    options.data_plane.listeners.push_back({.address = *address, .handshake = *handshake});
  }
  const absl::StatusOr<net::Address> control = net::Address::Parse(flags.control);
  if (!control.ok()) return InFlag("--control", control.status());
  options.control = *control;
  const auto mode = server::ModeByName(flags.mode);
  if (!mode) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--mode: no mode '%s': use sequential, thread-per-connection, thread-pool or epoll",
        flags.mode));
  }
  options.data_plane.mode = *mode;
  options.data_plane.engine = flags.engine;
  absl::Status status = ReadDuration("--drain-timeout", flags.drain_timeout, options.drain_timeout);
  if (!status.ok()) return status;
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

// Returns when the process is asked to stop. The next such signal ends it at once.
int AwaitStopSignal() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  struct sigaction end_at_once = {};
  end_at_once.sa_handler = [](int again) { _exit(128 + again); };
  sigaction(SIGTERM, &end_at_once, nullptr);
  sigaction(SIGINT, &end_at_once, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return signal;
}

void PrintReady(const server::DataPlane& data_plane, const control::Host& host) {
  const auto& listeners = data_plane.options().listeners;
  const std::vector<net::Address> addresses = data_plane.addresses();
  for (size_t i = 0; i < addresses.size(); ++i) {
    absl::PrintF("listening on %s (handshake, %s)\n", addresses[i].ToString(),
                 wire::FramingName(listeners[i].handshake.framing));
  }
  absl::PrintF("control on %s\n", host.address().ToString());
  absl::PrintF("ready: mode %s, pid %d\n", server::ModeName(data_plane.mode()), ::getpid());
  std::fflush(stdout);
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
  control::LoadService load_service;
  auto host =
      control::Host::Start(options.control, {server_service.hosted(), load_service.hosted()});
  if (!host.ok()) return host.status();
  spdlog::info("file descriptor limit {}, was {}", fds->now, fds->before);
  PrintReady(**data_plane, **host);

  const int signal = AwaitStopSignal();
  spdlog::info("signal {}: stopping, at most {} for handshakes in progress", signal,
               text::FormatDuration(options.drain_timeout));
  (*host)->ReportNotServing();
  load_service.Stop();
  (*data_plane)->Stop(options.drain_timeout);
  server_service.Stop();
  (*host)->Shutdown(kControlGrace);
  spdlog::info("stopped");
  return absl::OkStatus();
}

int Fail(const absl::Status& status) {
  absl::FPrintF(stderr, "handshake-server: %s\n", std::string(status.message()));
  return kUsageError;
}

}  // namespace
}  // namespace handshake

int main(int argc, char** argv) {
  using namespace handshake;
  CLI::App app;
  app.name("handshake-server");
  Flags flags;
  DefineFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return Fail(absl::InvalidArgumentError(std::string(error.what()) + "; see --help"));
  }
  if (absl::Status status = log::SetUp(flags.log); !status.ok()) return Fail(status);
  const absl::StatusOr<Options> options = Read(flags);
  if (!options.ok()) return Fail(options.status());
  if (absl::Status status = Run(*options); !status.ok()) return Fail(status);
  return 0;
}

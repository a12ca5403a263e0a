// handshakectl as a process against a scripted server: what it says, where, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/net/unique_fd.h"
#include "google/protobuf/util/json_util.h"
#include "tests/control/ctl/fake_server.h"
#include "tests/control/ctl/process.h"

namespace handshake::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

Script WorkingScript() {
  Script script;
  script.server.set_version("0.1.0");
  script.server.add_listen_addresses("127.0.0.1:7000");
  script.server.set_framing(v1::FRAMING_AUTO);
  script.server.set_mode(v1::MODE_EPOLL);
  script.server.set_generation(3);

  v1::ModeInfo& mode = *script.modes.add_modes();
  mode.set_mode(v1::MODE_EPOLL);
  mode.set_name("epoll");
  mode.set_description("a few reactor threads, each with many connections");
  mode.set_available(true);
  mode.set_active(true);
  mode.set_max_concurrent(1'048'000);

  script.change.set_id(4);
  script.change.set_state(v1::ModeSwitch::STATE_DRAINING);
  script.change.set_from(v1::MODE_EPOLL);
  script.change.set_to(v1::MODE_THREAD_POOL);
  script.change.set_generation(4);
  script.change.set_in_flight_count(12);
  script.change.mutable_switch_time()->set_nanos(1'250'000);
  script.drained = script.change;
  script.drained.set_state(v1::ModeSwitch::STATE_COMPLETED);
  script.drained.set_finished_count(12);
  *script.switches.add_mode_switches() = script.drained;

  script.stats.set_mode(v1::MODE_EPOLL);
  script.stats.set_generation(3);
  v1::ModeStats& stats = *script.stats.add_modes();
  stats.set_mode(v1::MODE_EPOLL);
  stats.set_accepted_count(1'234'567);
  stats.set_completed_count(1'234'567);

  script.created.set_id("run-1");
  script.created.set_state(v1::LoadRun::STATE_RUNNING);
  script.created.mutable_spec()->set_target("127.0.0.1:7000");
  script.created.set_target_address("127.0.0.2:7000");  // not this server: no ledger is compared
  script.created.mutable_spec()->set_handshake_count(100);
  script.created.mutable_spec()->set_concurrency(10);
  v1::LoadRun ended = script.created;
  ended.set_state(v1::LoadRun::STATE_SUCCEEDED);
  ended.set_ok_count(100);
  script.states = {script.created, ended};
  script.full = ended;
  script.full.mutable_histograms();
  script.full.add_points()->mutable_duration()->set_seconds(1);
  script.updated = script.created;
  script.updated.set_concurrency(20);
  script.cancelled = ended;
  script.cancelled.set_state(v1::LoadRun::STATE_CANCELLED);
  script.cancelled.set_ok_count(40);
  *script.runs.add_load_runs() = ended;
  return script;
}

Script Refusing(grpc::StatusCode code, const std::string& message) {
  Script script = WorkingScript();
  script.status = grpc::Status(code, message);
  return script;
}

Ended Ctl(const FakeServer& server, std::vector<std::string> arguments,
          Process::Options options = {}) {
  options.environment["HANDSHAKE_ENDPOINT"] = server.endpoint();
  return RunToEnd(HANDSHAKECTL, arguments, options);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// One line on stderr, and nothing on stdout.
void ExpectComplaint(const Ended& ended, int exit_code, const std::string& words) {
  EXPECT_EQ(ended.exit_code, exit_code);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_THAT(ended.err, AllOf(StartsWith("handshakectl: "), EndsWith("\n"), HasSubstr(words)));
  EXPECT_EQ(Lines(ended.err).size(), 1u) << ended.err;
}

const std::vector<std::vector<std::string>> kQueries = {
    {"status"},
    {"stats"},
    {"mode", "list"},
    {"mode", "get"},
    {"mode", "show", "4"},
    {"mode", "history"},
    {"mode", "set", "thread-pool"},
    {"load", "list"},
    {"load", "show", "run-1"},
    {"load", "watch", "run-1"},
    {"load", "start", "127.0.0.1:7000", "--count", "100"},
    {"load", "set", "run-1", "--rate", "2000"},
    {"load", "pause", "run-1"},
    {"load", "resume", "run-1"},
    {"load", "cancel", "run-1"}};

TEST(CtlTest, EveryCommandAnswersWithinAHundredColumns) {
  const FakeServer server(WorkingScript());
  for (const std::vector<std::string>& query : kQueries) {
    const Ended ended = Ctl(server, query);
    SCOPED_TRACE(::testing::PrintToString(query));
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.err, IsEmpty());
    EXPECT_THAT(ended.out, Not(IsEmpty()));
    EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
    for (const std::string& line : Lines(ended.out)) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(CtlTest, EveryCommandHasJson) {
  const FakeServer server(WorkingScript());
  for (std::vector<std::string> query : kQueries) {
    query.insert(query.end(), {"-o", "json"});
    const Ended ended = Ctl(server, query);
    SCOPED_TRACE(::testing::PrintToString(query));
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(StartsWith("{"), EndsWith("}\n")));
  }
  v1::Stats stats;
  const Ended ended = Ctl(server, {"stats", "-o", "json"});
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &stats).ok());
  EXPECT_EQ(stats.modes(0).accepted_count(), 1'234'567);
  EXPECT_THAT(ended.out, HasSubstr("\"lobbyCount\": \"0\""));  // defaults are there
}

TEST(CtlTest, HelpIsForEveryCommandWithExamplesAndNoServer) {
  std::vector<std::vector<std::string>> commands = kQueries;
  commands.insert(commands.end(), {{"compare"}, {"mode"}, {"load"}});
  for (std::vector<std::string> query : commands) {
    while (query.back() == "4" || query.back() == "run-1" || query.back() == "100" ||
           query.back() == "--count" || query.back() == "127.0.0.1:7000" ||
           query.back() == "thread-pool" || query.back() == "--rate" || query.back() == "2000") {
      query.pop_back();
    }
    query.push_back("--help");
    const Ended ended = RunToEnd(HANDSHAKECTL, query);
    SCOPED_TRACE(::testing::PrintToString(query));
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_THAT(ended.out, HasSubstr("Examples:\n  handshakectl "));
    for (const std::string& line : Lines(ended.out)) EXPECT_LE(line.size(), 80u) << line;
  }
  const Ended top = RunToEnd(HANDSHAKECTL, {"--help"});
  EXPECT_THAT(top.out, AllOf(HasSubstr("Exit codes:"), HasSubstr("HANDSHAKE_ENDPOINT")));
  for (const std::string& line : Lines(top.out)) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_THAT(RunToEnd(HANDSHAKECTL, {"--version"}).out, StartsWith("handshakectl "));
}

// A server with epoll, thread-pool and an io-uring that cannot run; it is the agent too.
Script ComparableScript() {
  Script script = WorkingScript();
  script.change.set_generation(script.stats.generation());
  v1::ModeInfo pool = script.modes.modes(0);
  pool.set_mode(v1::MODE_THREAD_POOL);
  pool.set_name("thread-pool");
  pool.set_active(false);
  *script.modes.add_modes() = pool;
  v1::ModeInfo ring = pool;
  ring.set_mode(v1::MODE_IO_URING);
  ring.set_name("io-uring");
  ring.set_available(false);
  ring.set_unavailable_reason("the kernel forbids it");
  *script.modes.add_modes() = ring;
  script.created.set_ok_count(500);
  script.full = script.created;
  script.states = {script.created};
  return script;
}

std::vector<std::string> ComparisonWith(const FakeServer& agent, const std::string& modes) {
  return {"compare",      "--modes", modes,      "--rate", "1000",    "--blocks",      "1",
          "--block-time", "200ms",   "--settle", "200ms",  "--agent", agent.endpoint()};
}

TEST(CtlTest, ComparesWhatCanRunThere) {
  const FakeServer server(ComparableScript());
  const Ended all = Ctl(server, ComparisonWith(server, "all"));
  EXPECT_EQ(all.exit_code, 0) << all.err << all.out;
  EXPECT_THAT(all.out, AllOf(HasSubstr("compared       epoll, thread-pool\n"),
                             HasSubstr("skipped        io-uring: the kernel forbids it\n"),
                             HasSubstr("AGAINST epoll")));
  ExpectComplaint(Ctl(server, ComparisonWith(server, "io-uring,epoll")), 4,
                  "io-uring cannot run there: the kernel forbids it");
  // However it ends, the load is cancelled and the mode of the start is back.
  const std::vector<std::string> calls = server.calls();
  const auto last = [&](std::string_view method) {
    std::string found;
    for (const std::string& call : calls) {
      if (call.starts_with(method)) found = call;
    }
    return found;
  };
  EXPECT_THAT(last("CancelLoadRun"), HasSubstr("run-1"));
  EXPECT_THAT(last("SwitchMode"),
              AllOf(HasSubstr("MODE_EPOLL"), HasSubstr("expected_generation: 3")));
}

std::vector<std::string> SwitchesOf(const FakeServer& server) {
  std::vector<std::string> switches = server.calls();
  std::erase_if(switches, [](const std::string& call) { return !call.starts_with("SwitchMode"); });
  return switches;
}

TEST(CtlTest, AComparisonAsksAgainForASwitchWhoseAnswerWasLost) {
  Script script = ComparableScript();
  script.lost_switches = 1;
  const FakeServer server(script);
  const Ended ended = Ctl(server, ComparisonWith(server, "all"));
  EXPECT_EQ(ended.exit_code, 0) << ended.err << ended.out;
  const std::vector<std::string> switches = SwitchesOf(server);
  ASSERT_GE(switches.size(), 3u);
  EXPECT_EQ(switches[0], switches[1]);
  EXPECT_THAT(switches[0], HasSubstr("request_id: \"compare-"));
  EXPECT_NE(switches[1], switches[2]);
}

TEST(CtlTest, AComparisonRestoresTheModeBehindASwitchWithoutAnswer) {
  Script script = ComparableScript();
  script.lost_switches = 2;
  script.server.set_mode(v1::MODE_EPOLL);
  const FakeServer server(script);
  ExpectComplaint(Ctl(server, ComparisonWith(server, "all")), 3, "lost");
  const std::vector<std::string> switches = SwitchesOf(server);
  ASSERT_EQ(switches.size(), 3u);
  EXPECT_EQ(switches[0], switches[1]);
  EXPECT_THAT(switches[2], AllOf(HasSubstr("MODE_EPOLL"), HasSubstr("expected_generation: 3")));
}

TEST(CtlTest, AComparisonEndsWithItsLoad) {
  Script script = ComparableScript();
  script.full.set_state(v1::LoadRun::STATE_CANCELLED);
  script.full.set_state_reason("somebody cancelled it");
  const FakeServer server(script);
  ExpectComplaint(Ctl(server, ComparisonWith(server, "all")), 1,
                  "the load run run-1 ended in the middle: somebody cancelled it");
}

TEST(CtlTest, AWrongCommandLineIsOneLineAndTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"frobnicate"},
      {"status", "--frobnicate"},
      {"mode"},
      {"mode", "set"},
      {"mode", "show", "x"},
      {"stats", "--interval", "soon"},
      {"-o", "yaml", "status"},
      {"load", "start", "127.0.0.1:1"},
      {"load", "start", "127.0.0.1:1", "--count", "0"},
      {"load", "set", "run-1"},
      {"load", "set", "run-1", "--rate", "0"},
      {"load", "set", "run-1", "--rate", "1", "--concurrency", "1"},
      {"load", "pause"},
      {"mode", "history", "--limit", "1001"},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    ExpectComplaint(RunToEnd(HANDSHAKECTL, arguments), 2, "--help");
  }
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"stauts"}), 2, "unknown command 'stauts'");
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"mode", "ste"}), 2, "unknown command 'ste'");
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"mode", "show", "0"}), 2, "1 to 9223372036854775807");
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"mode", "set", "turbo"}), 2, "thread-per-connection");
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"--endpoint", "10.0.0.1:7001", "status"}), 2, "loopback");
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"--endpoint", "7001", "status"}), 2, "HOST:PORT");
}

TEST(CtlTest, NobodyThereIsThree) {
  // Bound, but not listening: nobody else can take the port meanwhile.
  const net::UniqueFd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const net::Address any = *net::Address::Parse("127.0.0.1:0");
  ASSERT_EQ(bind(taken.get(), any.data(), any.size()), 0);
  const std::string endpoint = net::Address::OfSocket(taken.get()).ToString();
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"status", "--endpoint", endpoint}), 3,
                  "cannot reach " + endpoint);
  ExpectComplaint(RunToEnd(HANDSHAKECTL, {"stats", "--watch", "--endpoint", endpoint}), 3,
                  "handshake-server");
}

TEST(CtlTest, NoAnswerInTimeIsThree) {
  Script script = WorkingScript();
  script.mute = true;
  const FakeServer server(script);
  ExpectComplaint(Ctl(server, {"status", "--timeout", "100ms"}), 3, "--timeout");
  ExpectComplaint(Ctl(server, {"stats", "--watch", "--interval", "100ms", "--timeout", "100ms"}), 3,
                  "--timeout");
  ExpectComplaint(Ctl(server, {"load", "watch", "run-1", "--timeout", "100ms"}), 3, "--timeout");
}

TEST(CtlTest, ARefusalIsFourAndSaysWhatToDo) {
  using grpc::StatusCode;
  const std::vector<std::pair<StatusCode, std::string>> refusals = {
      {StatusCode::ABORTED, "refused: ABORTED: generation is 7"},
      {StatusCode::FAILED_PRECONDITION, "FAILED_PRECONDITION"},
      {StatusCode::PERMISSION_DENIED, "PERMISSION_DENIED"},
      {StatusCode::RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"},
      {StatusCode::NOT_FOUND, "NOT_FOUND"},
      {StatusCode::INVALID_ARGUMENT, "INVALID_ARGUMENT"},
      {StatusCode::UNIMPLEMENTED, "--endpoint"}};
  for (const auto& [code, words] : refusals) {
    const FakeServer server(Refusing(code, "generation is 7, not 3"));
    ExpectComplaint(Ctl(server, {"mode", "set", "epoll", "--expected-generation", "3"}), 4, words);
    ExpectComplaint(Ctl(server, {"load", "start", "127.0.0.1:7000", "--count", "1"}), 4, words);
    ExpectComplaint(Ctl(server, {"stats", "--watch"}), 4, words);
  }
}

TEST(CtlTest, WhatTheServerSaysCannotMoveTheCursor) {
  const FakeServer server(Refusing(grpc::StatusCode::ABORTED, "one\ntwo \x1b[2J three"));
  const Ended ended = Ctl(server, {"status"});
  ExpectComplaint(ended, 4, "one?two ?[2J three");
}

TEST(CtlTest, TheFlagsReachTheServer) {
  const FakeServer server(WorkingScript());
  EXPECT_EQ(Ctl(server, {"mode", "set", "thread-pool", "--expected-generation", "3",
                         "--drain-timeout", "1500ms", "--request-id", "r1", "--dry-run"})
                .exit_code,
            0);
  EXPECT_EQ(Ctl(server, {"mode", "set", "epoll", "--workers", "2"}).exit_code, 0);
  EXPECT_EQ(Ctl(server, {"load", "start", "127.0.0.1:7000", "--concurrency", "7", "--duration",
                         "2s", "--framing", "bare", "--detach"})
                .exit_code,
            0);
  EXPECT_THAT(
      server.calls(),
      ElementsAre("SwitchMode mode: MODE_THREAD_POOL expected_generation: 3 drain_timeout "
                  "{ seconds: 1 nanos: 500000000 } request_id: \"r1\" dry_run: true",
                  "SwitchMode mode: MODE_EPOLL drain_timeout { seconds: 1 } worker_count: 2",
                  "CreateLoadRun spec { target: \"127.0.0.1:7000\" concurrency: 7 duration "
                  "{ seconds: 2 } framing: FRAMING_BARE } detached: true"));
}

TEST(CtlTest, ARunIsChangedAndTheAnswerSaysWhatHolds) {
  const FakeServer server(WorkingScript());
  EXPECT_EQ(Ctl(server, {"load", "set", "run-1", "--rate", "2000"}).exit_code, 0);
  EXPECT_EQ(Ctl(server, {"load", "set", "run-1", "--concurrency", "20"}).out,
            "run-1 goes on, 20 at once\n");
  EXPECT_EQ(Ctl(server, {"load", "pause", "run-1"}).exit_code, 0);
  EXPECT_EQ(Ctl(server, {"load", "resume", "run-1"}).exit_code, 0);
  EXPECT_THAT(server.calls(), ElementsAre("UpdateLoadRun id: \"run-1\" rate_per_second: 2000",
                                          "UpdateLoadRun id: \"run-1\" concurrency: 20",
                                          "UpdateLoadRun id: \"run-1\" paused: true",
                                          "UpdateLoadRun id: \"run-1\" paused: false"));
  Script paused = WorkingScript();
  paused.updated.mutable_spec()->set_rate_per_second(500);
  paused.updated.set_rate_per_second(2'000);
  paused.updated.set_paused(true);
  EXPECT_EQ(Ctl(FakeServer(paused), {"load", "pause", "run-1"}).out, "run-1 is paused, 2,000/s\n");
  const FakeServer refusing(
      Refusing(grpc::StatusCode::FAILED_PRECONDITION, "the run is a closed loop"));
  ExpectComplaint(Ctl(refusing, {"load", "set", "run-1", "--rate", "1"}), 4, "a closed loop");
}

TEST(CtlTest, AFlagGoesBeforeOrBehindAndBeatsTheEnvironment) {
  const FakeServer server(WorkingScript());
  const Process::Options elsewhere = {.environment = {{"HANDSHAKE_ENDPOINT", "127.0.0.1:1"}}};
  EXPECT_EQ(RunToEnd(HANDSHAKECTL, {"--endpoint", server.endpoint(), "mode", "get"}, elsewhere).out,
            "epoll (generation 3)\n");
  EXPECT_EQ(RunToEnd(HANDSHAKECTL, {"mode", "get", "--endpoint", server.endpoint()}, elsewhere).out,
            "epoll (generation 3)\n");
}

TEST(CtlTest, WaitingForTheDrainShowsWhatCameOfIt) {
  const FakeServer server(WorkingScript());
  const Ended ended = Ctl(server, {"mode", "set", "thread-pool", "--wait"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("completed"), HasSubstr("lost")));

  Script lossy = WorkingScript();
  lossy.drained.set_lost_count(1);
  EXPECT_EQ(Ctl(FakeServer(lossy), {"mode", "set", "thread-pool", "--wait"}).exit_code, 1);

  Script endless = WorkingScript();
  endless.drained.set_state(v1::ModeSwitch::STATE_DRAINING);
  ExpectComplaint(Ctl(FakeServer(endless), {"mode", "set", "thread-pool", "--wait",
                                            "--drain-timeout", "0", "--timeout", "200ms"}),
                  1, "mode show 4");
}

TEST(CtlTest, AFailedRunIsOne) {
  Script script = WorkingScript();
  v1::LoadRun& last = script.states.back();
  last.set_state(v1::LoadRun::STATE_FAILED);
  last.set_failed_count(2);
  v1::VerdictCount& failure = *last.add_failures();
  failure.set_verdict(v1::VERDICT_TIMEOUT_STEP_2);
  failure.set_count(2);
  const FakeServer server(script);
  const Ended ended = Ctl(server, {"load", "start", "127.0.0.1:7000", "--count", "100"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.out, HasSubstr("TIMEOUT_STEP_2"));
  EXPECT_EQ(Ctl(server, {"load", "watch", "run-1"}).exit_code, 1);
  EXPECT_EQ(Ctl(server, {"load", "show", "run-1"}).exit_code, 0);
}

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Where a report can be written.
class CtlFilesTest : public ::testing::Test {
 protected:
  CtlFilesTest() : folder_(::testing::TempDir() + "ctl_files_" + std::to_string(getpid())) {
    std::filesystem::create_directory(folder_);
  }
  ~CtlFilesTest() override { std::filesystem::remove_all(folder_); }
  std::string In(const std::string& name) const { return folder_ + "/" + name; }

  const std::string folder_;
};

TEST_F(CtlFilesTest, EveryCommandThatShowsAReportWritesIt) {
  const FakeServer server(WorkingScript());
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"start", "127.0.0.1:7000", "--count", "100"},
        {"watch", "run-1"},
        {"show", "run-1"},
        {"cancel", "run-1"}}) {
    SCOPED_TRACE(command.front());
    std::vector<std::string> arguments = {"load"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const std::string at = In(command.front());
    arguments.insert(arguments.end(),
                     {"--csv", at + ".csv", "--json", at + ".json", "--html", at + ".html"});
    const Ended ended = Ctl(server, arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("100 ok"));
    EXPECT_EQ(Lines(TextOf(at + ".csv")).size(), 2u) << "the FULL view has the series";
    EXPECT_THAT(TextOf(at + ".json"), HasSubstr("\"okCount\": \"100\""));
    EXPECT_THAT(TextOf(at + ".html"), StartsWith("<!doctype html>"));
  }
}

TEST_F(CtlFilesTest, WhatCannotBeWrittenIsRefusedBeforeTheRun) {
  const FakeServer server(WorkingScript());
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"start", "127.0.0.1:7000", "--count", "100"},
        {"watch", "run-1"},
        {"show", "run-1"},
        {"cancel", "run-1"}}) {
    std::vector<std::string> arguments = {"load"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    arguments.insert(arguments.end(), {"--json", In("none/a")});
    ExpectComplaint(Ctl(server, arguments), 2,
                    "--json: cannot write " + In("none/a") + ": No such file or directory");
  }
  EXPECT_THAT(server.calls(), IsEmpty());
  ExpectComplaint(Ctl(server, {"load", "start", "127.0.0.1:7000", "--count", "1", "--detach",
                               "--csv", In("a")}),
                  2, "--detach");
}

TEST_F(CtlFilesTest, AFullDiskIsTwoAndNothingElseIsLost) {
  const FakeServer server(WorkingScript());
  const Ended ended = Ctl(server, {"load", "start", "127.0.0.1:7000", "--count", "100", "--csv",
                                   "/dev/full", "--json", In("a.json")});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.err, "handshakectl: cannot write /dev/full: No space left on device\n");
  EXPECT_THAT(ended.out, HasSubstr("100 ok"));
  EXPECT_THAT(TextOf(In("a.json")), HasSubstr("\"okCount\": \"100\""));
}

TEST_F(CtlFilesTest, ARunThatIsTooOldToHaveASeriesSaysSo) {
  Script script = WorkingScript();
  script.full.clear_histograms();
  const FakeServer server(script);
  const Ended ended = Ctl(server, {"load", "show", "run-1", "--csv", In("a.csv")});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.err, HasSubstr("run-1 has no series"));
  EXPECT_THAT(ended.out, HasSubstr("100 ok"));
}

TEST_F(CtlFilesTest, AnInterruptedRunIsWrittenToo) {
  Script script = WorkingScript();
  script.states = {script.created};  // never ends by itself
  const FakeServer server(script);
  Process process(HANDSHAKECTL,
                  {"--endpoint", server.endpoint(), "load", "start", "127.0.0.1:7000", "--count",
                   "100", "--json", In("a.json")},
                  {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(process.WaitForOutput("0 failed"));  // the live line
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait().exit_code, 130);
  EXPECT_THAT(TextOf(In("a.json")), HasSubstr("\"okCount\": \"100\""));
}

TEST(CtlTest, CtrlCCancelsTheRunAndStillReports) {
  Script script = WorkingScript();
  script.states = {script.created};  // never ends by itself
  const FakeServer server(script);
  Process process(
      HANDSHAKECTL,
      {"--endpoint", server.endpoint(), "load", "start", "127.0.0.1:7000", "--count", "100"},
      {.environment = {{"TERM", "xterm"}}, .terminal = true});
  ASSERT_TRUE(process.WaitForOutput("0 failed"));  // the live line
  process.Signal(SIGINT);
  const Ended ended = process.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("cancelled"), HasSubstr("40 ok")));
  EXPECT_THAT(server.calls(), ::testing::Contains("CancelLoadRun id: \"run-1\""));
}

TEST(CtlTest, CtrlCEndsAWatch) {
  const FakeServer server(WorkingScript());
  Process process(HANDSHAKECTL, {"--endpoint", server.endpoint(), "stats", "--watch"}, {});
  ASSERT_TRUE(process.WaitForOutput("epoll"));
  process.Signal(SIGINT);
  const Ended ended = process.Wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.err, IsEmpty());
}

TEST(CtlTest, WatchingEndsAfterTheCountOneLineEach) {
  const FakeServer server(WorkingScript());
  const Ended ended = Ctl(server, {"stats", "--watch", "--count", "3", "-o", "json"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(Lines(ended.out).size(), 3u);
}

TEST(CtlTest, AReaderThatLeavesEndsItQuietly) {
  const FakeServer server(WorkingScript());
  for (const std::vector<std::string>& query :
       {std::vector<std::string>{"stats", "--watch"}, {"status"}}) {
    const Ended ended = Ctl(server, query, {.environment = {}, .closed_stdout = true});
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_THAT(ended.err, IsEmpty());
  }
}

TEST(CtlTest, ColourOnlyWhereItIsWanted) {
  const FakeServer server(WorkingScript());
  const auto coloured = [&](bool terminal, std::map<std::string, std::string> environment,
                            std::vector<std::string> arguments) {
    const Ended ended = Ctl(server, std::move(arguments),
                            {.environment = std::move(environment), .terminal = terminal});
    return ended.out.find("\x1b[") != std::string::npos;
  };
  EXPECT_TRUE(coloured(true, {}, {"mode", "list"}));
  EXPECT_FALSE(coloured(false, {}, {"mode", "list"}));
  EXPECT_FALSE(coloured(true, {{"NO_COLOR", "1"}}, {"mode", "list"}));
  EXPECT_FALSE(coloured(true, {{"TERM", "dumb"}}, {"mode", "list"}));
  EXPECT_FALSE(coloured(true, {}, {"--color", "never", "mode", "list"}));
  EXPECT_TRUE(coloured(false, {{"NO_COLOR", "1"}}, {"--color", "always", "mode", "list"}));
}

}  // namespace
}  // namespace handshake::testing

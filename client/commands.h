// The commands of handshake-client: with main.cc the composition root, compiled only into the
// binary, so that the load generator itself knows nothing of control.
#ifndef HANDSHAKE_CLIENT_COMMANDS_H_
#define HANDSHAKE_CLIENT_COMMANDS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/App.hpp"
#include "client/capacity_search.h"
#include "client/condition.h"
#include "client/hold_run.h"
#include "client/load_run.h"
#include "client/talk.h"
#include "client/target_list.h"
#include "common/wire/limits.h"
#include "control/report/interrupts.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::client {

// What the parsed command line asks for; returns the exit code.
using Command = std::function<int(report::Interrupts&)>;

// Each adds its command to `app`, and sets *command when the command line names it.
void AddConnect(CLI::App& app, Command* command);
void AddLines(CLI::App& app, Command* command);
void AddCommand(CLI::App& app, Command* command);
void AddLoad(CLI::App& app, Command* command);
void AddAgent(CLI::App& app, Command* command);
void AddReport(CLI::App& app, Command* command);

// `load --hold`, its command line and target checked; returns the exit code.
int RunHold(const HoldSpec& spec, bool json, report::Interrupts& interrupts);

// `load --find-max` and `load --find-max-concurrent` as they were written.
struct FindMaxFlags {
  std::vector<std::string> wanted;
  bool held = false;
  std::optional<int64_t> from;
  std::optional<int64_t> to;
  std::optional<std::chrono::nanoseconds> trial_time;
  double precision = 5;  // percent

  bool given() const { return held || !wanted.empty(); }
};
// And as they were checked.
struct FindMaxSpec {
  bool held = false;  // connections held, not a rate
  std::vector<Condition> wanted;
  SearchBounds bounds;
  std::chrono::nanoseconds trial_time;
  LoadSpec load;  // of each trial, but for the rate and the time
  HoldSpec hold;
};
// Behind all other flags of `load`.
void AddFindMax(CLI::App& load, FindMaxFlags& flags);
// Without target, load and hold. Throws what is wrong.
FindMaxSpec FindMaxSpecOf(const FindMaxFlags& flags);
// Its target checked; returns the exit code.
int RunFindMax(const FindMaxSpec& spec, bool json, report::Interrupts& interrupts);

// Throws if it is not a --timeout: for connecting and for each step of a talk.
void CheckTimeout(std::chrono::nanoseconds timeout);

// What `lines` and `command` share: a talk with a server, by hand or by script.
inline constexpr int kExitServerError = 4;  // it answered ERROR, as handshakectl's refusals
struct TalkFlags {
  std::string target;
  std::chrono::nanoseconds timeout = wire::kStepTimeout;
};
// TARGET and --timeout, whose meaning is `timeout`.
void AddTalkFlags(CLI::App& app, TalkFlags* flags, const std::string& timeout);
// Makes the talk with the server at this address.
using MakeTalk = std::function<std::unique_ptr<Talk>(const std::string& server)>;
// Connects and has the talk on standard input and output, `protocol` being the server's; returns
// the exit code.
int RunTalk(const TalkFlags& flags, std::string_view protocol, const MakeTalk& make_talk,
            report::Interrupts& interrupts);

// A run so far, as the service would answer it.
v1::LoadRun Describe(const LoadRun& run, std::chrono::system_clock::time_point start);
v1::HoldRun Describe(const HoldRun& run, std::chrono::system_clock::time_point start);
// Throws what is wrong with a condition, of this flag.
std::vector<Condition> ConditionsOf(const std::string& flag, const std::vector<std::string>& texts);

// --allow-load, for targets beside loopback.
CLI::Option* AddAllowLoad(CLI::App& app, std::vector<std::string>* ranges);
// Throws what is wrong with them.
TargetList TargetsOf(const std::vector<std::string>& ranges);

// "handshake-client: TEXT", one line on stderr.
void Complain(std::string_view text);
// Prints it to stdout and returns `code`; the code of a bad outcome if it cannot be written.
int ShowReport(std::string_view text, int code);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_COMMANDS_H_

#include "common/wire/commands.h"

#include <algorithm>
#include <array>

#include "common/wire/message.h"

namespace handshake::wire {
namespace {

AfterCommand Ping(const CommandCall& call) {
  call.Ok("PONG");
  return AfterCommand::kGoOn;
}

AfterCommand Echo(const CommandCall& call) {
  call.Ok(call.arguments);
  return AfterCommand::kGoOn;
}

// The handshake over frames: HELLO X, OK HELLO X+1, HELLO X+2, OK HELLO DONE.
AfterCommand Hello(const CommandCall& call) {
  char text[kMaxMessageBytes] = "HELLO ";
  constexpr size_t kWord = 6;
  const size_t length = std::min(call.arguments.size(), sizeof(text) - kWord);
  call.arguments.copy(text + kWord, length);
  const ParsedMessage hello = ParseMessage({text, kWord + length});
  CommandState& state = call.state;
  if (hello.verdict != Verdict::kOk || (!state.greeted && hello.number > kMaxSequence)) {
    call.Error("BAD_ARGUMENT", "HELLO takes one canonical int64, at most 2^63-3 at first");
  } else if (!state.greeted) {
    state = {.expected = hello.number + 2, .greeted = true};
    call.answer.Add("OK HELLO ");
    call.answer.AddNumber(hello.number + 1);
    call.answer.Add("\r\n");
  } else if (hello.number == state.expected) {
    state = {};
    call.Ok("HELLO DONE");
  } else {
    state = {};
    call.Error("MISMATCH", "not X+2: begin anew with HELLO X");
  }
  return AfterCommand::kGoOn;
}

AfterCommand Stats(const CommandCall& call) {
  const HostTotals totals = call.options.host->Totals();
  call.Ok("");
  call.Header("Accepted", totals.accepted);
  call.Header("Completed", totals.completed);
  call.Header("Failed", totals.failed);
  call.Header("In-Flight", totals.in_flight);
  return AfterCommand::kGoOn;
}

AfterCommand Mode(const CommandCall& call) {
  if (!call.arguments.empty()) {
    call.Error("BAD_ARGUMENT", "MODE only tells; to switch use handshakectl mode set");
    return AfterCommand::kGoOn;
  }
  const HostMode mode = call.options.host->Mode();
  call.Ok(mode.name);
  call.Header("Generation", mode.generation);
  return AfterCommand::kGoOn;
}

AfterCommand Help(const CommandCall& call) {
  call.Ok("");
  for (const Command& command : Commands()) call.Header(command.name, command.help);
  return AfterCommand::kGoOn;
}

AfterCommand Quit(const CommandCall& call) {
  call.Ok("BYE");
  return AfterCommand::kClose;
}

constexpr std::array<Command, 7> kCommands = {{
    {"PING", "answers PONG", &Ping},
    {"ECHO", "answers its arguments", &Echo},
    {"HELLO", "X, and after its answer HELLO X+2: a handshake", &Hello},
    {"STATS", "connections, since the server's start", &Stats},
    {"MODE", "the concurrency mode in force", &Mode},
    {"HELP", "this list", &Help},
    {"QUIT", "ends the connection", &Quit},
}};

char ToUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

void CommandCall::Ok(std::string_view text) const {
  answer.Add(text.empty() ? "OK" : "OK ");
  answer.Add(text);
  answer.Add("\r\n");
}

void CommandCall::Header(std::string_view name, std::string_view value) const {
  for (const std::string_view part : {name, std::string_view(": "), value}) answer.Add(part);
  answer.Add("\r\n");
}

void CommandCall::Header(std::string_view name, int64_t value) const {
  answer.Add(name);
  answer.Add(": ");
  answer.AddNumber(value);
  answer.Add("\r\n");
}

void CommandCall::Error(std::string_view code, std::string_view text) const {
  answer.Add("ERROR ");
  answer.Add(code);
  answer.Add(" ");
  answer.Add(text);
  answer.Add("\r\n");
}

std::span<const Command> Commands() { return kCommands; }

const Command* FindCommand(std::string_view name) {
  const auto matches = [name](const Command& command) {
    return std::equal(name.begin(), name.end(), command.name.begin(), command.name.end(),
                      [](char a, char b) { return ToUpper(a) == b; });
  };
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), matches);
  return found == kCommands.end() ? nullptr : &*found;
}

}  // namespace handshake::wire

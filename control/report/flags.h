// What the command lines have in common: durations as flags, JSON or text, and command lines that
// cannot be understood.
#ifndef HANDSHAKE_CONTROL_REPORT_FLAGS_H_
#define HANDSHAKE_CONTROL_REPORT_FLAGS_H_

#include <chrono>
#include <optional>
#include <string>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"

namespace handshake::report {

// Exit codes that all commands share.
inline constexpr int kExitOk = 0;
inline constexpr int kExitBadOutcome = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;
// 4 is handshakectl's: the server refused.
inline constexpr int kExitBreached = 5;          // a condition of a load run
inline constexpr int kExitGeneratorLimited = 6;  // a load run's rate says nothing of the server

// A flag such as `--timeout 1.5s`; *value is shown as its default and must outlive the parsing.
CLI::Option* AddDuration(CLI::App& app, const std::string& name, std::chrono::nanoseconds* value,
                         const std::string& description);
// The same without a default.
CLI::Option* AddDuration(CLI::App& app, const std::string& name,
                         std::optional<std::chrono::nanoseconds>* value,
                         const std::string& description);

// Accepts whole numbers from 1.
CLI::Validator FromOne();

// Help in the style of this project: "--name VALUE   what it does [default, VARIABLE]". Call first:
// subcommands inherit it.
void UseHelpStyle(CLI::App& app);

// Parses the command line. Help and version go to stdout, an error to stderr as one line that names
// the help to read. Returns the exit code if the process should end now.
std::optional<int> Parse(CLI::App& app, int argc, char** argv);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_FLAGS_H_

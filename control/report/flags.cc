#include "control/report/flags.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "common/text/duration.h"
#include "control/report/terminal.h"

namespace handshake::report {
namespace {

using std::chrono::nanoseconds;

nanoseconds ParseOrThrow(const std::string& flag, const std::string& text) {
  const absl::StatusOr<nanoseconds> duration = text::ParseDuration(text);
  if (!duration.ok()) throw CLI::ValidationError(flag, std::string(duration.status().message()));
  return *duration;
}

template <class Value>
CLI::Option* AddDurationTo(CLI::App& app, const std::string& name, Value* value,
                           const std::string& description) {
  CLI::Option* option = app.add_option_function<std::string>(
      name, [name, value](const std::string& text) { *value = ParseOrThrow(name, text); },
      description);
  return option->type_name("DURATION");
}

class HelpStyle : public CLI::Formatter {
 public:
  HelpStyle() { column_width(30); }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string full = option->get_type_name();  // "FORMAT:{table,json}"
    const std::string type = full.substr(0, full.find(':'));
    return option->get_type_size() == 0 || type.empty() ? "" : " " + type;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string extra = option->get_default_str();
    if (!option->get_envname().empty()) {
      extra += (extra.empty() ? "" : ", ") + ("env " + option->get_envname());
    }
    return option->get_description() + (extra.empty() ? "" : " [" + extra + "]");
  }
};

// The innermost command that the words on the command line led to.
const CLI::App& InnermostCommand(const CLI::App& app) {
  const std::vector<const CLI::App*> next =
      app.get_subcommands([](const CLI::App* command) { return command->parsed(); });
  return next.empty() ? app : InnermostCommand(*next.front());
}

// What to say about a command line: CLI11's words, but a misspelt command by its name.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = InnermostCommand(app);
  const std::vector<std::string> left = app.remaining(true);  // commands pass on what they ignore
  const bool takes_commands = !command.get_subcommands(nullptr).empty();
  if (takes_commands && !left.empty() && !left.front().starts_with('-')) {
    return "unknown command '" + left.front() + "'";
  }
  return error.what();
}

// The command that the words on the command line led to: "handshakectl mode set".
std::string CommandOf(const CLI::App& app) {
  const std::vector<const CLI::App*> next =
      app.get_subcommands([](const CLI::App* command) { return command->parsed(); });
  return next.empty() ? app.get_name() : app.get_name() + " " + CommandOf(*next.front());
}

}  // namespace

CLI::Option* AddDuration(CLI::App& app, const std::string& name, nanoseconds* value,
                         const std::string& description) {
  return AddDurationTo(app, name, value, description)->default_str(text::FormatDuration(*value));
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name, std::optional<nanoseconds>* value,
                         const std::string& description) {
  return AddDurationTo(app, name, value, description);
}

CLI::Validator FromOne() { return CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()); }

void UseHelpStyle(CLI::App& app) {
  app.formatter(std::make_shared<HelpStyle>());
  app.set_help_flag("-h,--help", "Show this help");
}

std::optional<int> Parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app.exit(asked, text, text);
    return Print(text.str()) == PrintResult::kFailed ? kExitBadOutcome : kExitOk;
  } catch (const CLI::ParseError& error) {
    PrintError(app.get_name(), Explain(app, error) + "; see: " + CommandOf(app) + " --help");
    return kExitUsage;
  }
}

}  // namespace handshake::report

#include "control/report/flags.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

#include "common/text/duration.h"
#include "control/report/table.h"
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

constexpr size_t kHelpWidth = 80;
constexpr size_t kHelpColumn = 30;  // where descriptions begin

std::string Joined(const std::vector<std::string_view>& lines, std::string_view separator) {
  std::string text;
  for (const std::string_view line : lines) {
    if (!text.empty()) text += separator;
    text += line;
  }
  return text;
}

// Where the lines go on into which an indented one is broken: below its second column, if it has
// one.
size_t HangingIndent(const std::string& line) {
  const size_t first = std::min(line.find_first_not_of(' '), line.size());
  const size_t gap = line.find("  ", first);
  return gap == line.npos ? first + 2 : std::min(line.find_first_not_of(' ', gap), line.size());
}

std::string Hang(const std::string& line) {
  const size_t indent = HangingIndent(line);
  if (line.size() <= kHelpWidth || indent >= kHelpWidth) return line;
  const std::vector<std::string_view> lines =
      Wrap(std::string_view(line).substr(indent), kHelpWidth - indent);
  return line.substr(0, indent) + Joined(lines, "\n" + std::string(indent, ' '));
}

// Its paragraphs anew; a line that is indented stands for itself.
std::string Flow(const std::string& text) {
  std::string out;
  std::string paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) out += Joined(Wrap(paragraph, kHelpWidth), "\n") + "\n";
    paragraph.clear();
  };
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == ' ') {
      end_paragraph();
      out += Hang(line) + "\n";
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + line;
    }
  }
  end_paragraph();
  return out;
}

class HelpStyle : public CLI::Formatter {
 public:
  HelpStyle() { column_width(kHelpColumn); }
  std::string make_description(const CLI::App* app) const override {
    return Flow(CLI::Formatter::make_description(app));
  }
  std::string make_footer(const CLI::App* app) const override {
    return Flow(CLI::Formatter::make_footer(app));
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string full = option->get_type_name();  // "FORMAT:{table,json}"
    const std::string type = full.substr(0, full.find(':'));
    return option->get_type_size() == 0 || type.empty() ? "" : " " + type;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string extra = option->get_default_str();
    if (extra.starts_with('[') && extra.ends_with(']')) extra = extra.substr(1, extra.size() - 2);
    if (!option->get_envname().empty()) {
      extra += (extra.empty() ? "" : ", ") + ("env " + option->get_envname());
    }
    const std::string text = option->get_description() + (extra.empty() ? "" : " [" + extra + "]");
    return Joined(Wrap(text, kHelpWidth - kHelpColumn), "\n");
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

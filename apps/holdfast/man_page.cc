#include "man_page.h"

#include <fmt/format.h>

namespace holdfast::app {
namespace {

// Text as it is, also where it would be a command of the formatter.
std::string escaped(const std::string& text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

std::string literal(const std::string& text) { return text.empty() ? "" : ".PP\n.nf\n" + escaped(text) + "\n.fi\n"; }

bool is_shown(const CLI::App* app) { return !app->get_group().empty(); }
bool is_shown(const CLI::Option* option) { return !option->get_group().empty(); }

std::string name_of(const CLI::Option& option) {
  std::string text;
  for (const std::string& name : option.get_snames()) text += "-" + name + ", ";
  for (const std::string& name : option.get_lnames()) text += "--" + name + ", ";
  if (text.empty()) return option.get_name(true);
  text.resize(text.size() - 2);
  return option.get_items_expected_max() > 0 ? text + " " + option.get_type_name() : text;
}

std::string option_text(const CLI::Option& option) {
  std::string text = fmt::format(".TP\n.B {}\n{}", escaped(name_of(option)), escaped(option.get_description()));
  if (!option.get_default_str().empty()) text += fmt::format(" (default: {})", escaped(option.get_default_str()));
  return text + "\n";
}

std::string options_text(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options([](const CLI::Option* each) { return is_shown(each); })) {
    const std::string& group = option->get_group();
    if (option != app.get_help_ptr() && group != kProcessOptions && group != kBrokerOptions)
      text += option_text(*option);
  }
  return text;
}

// Those of the first command that has them; the others have the same.
std::string shared_options_text(const CLI::App& program, const std::string& group, const std::string& heading) {
  std::string text;
  const auto is_one = [&group](const CLI::Option* each) { return each->get_group() == group; };
  for (const CLI::App* each : program.get_subcommands([](const CLI::App*) { return true; })) {
    for (const CLI::Option* option : each->get_options(is_one)) text += option_text(*option);
    if (!text.empty()) return ".SH " + heading + "\n" + text;
  }
  return text;
}

std::string arguments_text(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options([](const CLI::Option* each) { return each->get_positional(); })) {
    text += option->get_required() ? " " + option->get_name(true) : " [" + option->get_name(true) + "]";
  }
  return text;
}

// A command and, below it, its own commands.
std::string command_text(const CLI::App& app, const std::string& before) {
  const std::string line = before + " " + app.get_name() + arguments_text(app);
  std::string text = fmt::format(".SS {}\n{}.\n", escaped(line), escaped(app.get_description()));
  text += options_text(app) + literal(app.get_footer());
  for (const CLI::App* each : app.get_subcommands([](const CLI::App* sub) { return is_shown(sub); }))
    text += command_text(*each, line);
  return text;
}

constexpr const char* kEnd = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
It failed, or the process refused; standard error says why.
.TP
.B 2
The command line or the configuration is wrong.
.TP
.B 3
No process answers at the admin socket or URL, or no broker.
.TP
.B 4
The process does not allow it: the token, or the rights of the socket. Or the broker: user and password.
.SH ENVIRONMENT
.TP
.B HOLDFAST_SOCKET
The admin socket, where
.B \-\-socket
is not given.
.TP
.B HOLDFAST_TOKEN
The bearer token, where
.B \-\-token\-file
is not given.
.TP
.B NO_COLOR
When not empty, nothing is coloured.
.SH FILES
.TP
.I /run/holdfast/admin.sock
The admin socket that commands ask by default.
.SH SEE ALSO
.BR holdfast.toml (5)
)";

}  // namespace

std::string man_page(const CLI::App& program) {
  std::string text = ".TH HOLDFAST 1 \"\" \"holdfast " HOLDFAST_VERSION "\" \"Holdfast\"\n";
  text += ".SH NAME\nholdfast \\- the entry layer for long\\-lived connections\n";
  text += ".SH SYNOPSIS\n.B holdfast\n.I COMMAND\n.RI [ OPTIONS ]\n";
  text += ".SH DESCRIPTION\n" + escaped(program.get_description()) + "\n" + literal(program.get_footer());
  text += ".SH COMMANDS\n";
  for (const CLI::App* each : program.get_subcommands([](const CLI::App* sub) { return is_shown(sub); }))
    text += command_text(*each, "holdfast");
  text += shared_options_text(program, kProcessOptions, "OPTIONS OF COMMANDS THAT ASK A PROCESS");
  return text + shared_options_text(program, kBrokerOptions, "OPTIONS OF COMMANDS THAT TALK TO A BROKER") + kEnd;
}

}  // namespace holdfast::app

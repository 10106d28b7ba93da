#include "client/complete.h"

#include <algorithm>

namespace holdfast::app {
namespace {

constexpr const char* kHidden = "";  // the group of what help does not show

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

bool takes_a_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* each) { return each->nonpositional(); });
}

// The positional argument number `index`; the last one may take many.
const CLI::Option* positional_of(const CLI::App& app, std::size_t index) {
  const auto all = app.get_options([](const CLI::Option* each) { return each->get_positional(); });
  if (all.empty()) return nullptr;
  if (index < all.size()) return all[index];
  return all.back()->get_items_expected_max() > 1 ? all.back() : nullptr;
}

// Where in the tree of commands a line has come to.
class Place {
 public:
  explicit Place(const CLI::App& program) : app_(&program) {}

  void take(const std::string& word) {
    if (pending_ != nullptr) {
      pending_ = nullptr;
      return;
    }
    if (word.starts_with('-') && word.size() > 1) return take_option(word);
    for (const CLI::App* each : app_->get_subcommands([](const CLI::App*) { return true; })) {
      if (each->get_name() == word) return enter(*each);
    }
    ++positionals_;
  }

  [[nodiscard]] const CLI::Option* pending() const noexcept { return pending_; }
  [[nodiscard]] const CLI::App& app() const noexcept { return *app_; }
  [[nodiscard]] const CLI::Option* positional() const { return positional_of(*app_, positionals_); }
  // Commands follow when all that stands before them is there.
  [[nodiscard]] bool wants_command() const {
    return app_->get_options([](const CLI::Option* each) { return each->get_positional(); }).size() <= positionals_;
  }
  [[nodiscard]] const CLI::Option* find_option(const std::string& name) const {
    for (const CLI::App* at = app_; at != nullptr; at = at->get_fallthrough() ? at->get_parent() : nullptr) {
      for (const CLI::Option* option : options_of(*at)) {
        if (option->check_name(name)) return option;
      }
    }
    return nullptr;
  }

 private:
  void enter(const CLI::App& command) {
    app_ = &command;
    positionals_ = 0;
  }
  void take_option(const std::string& word) {
    const CLI::Option* const option = find_option(word);
    if (option != nullptr && takes_a_value(*option)) pending_ = option;
  }

  const CLI::App* app_;
  const CLI::Option* pending_ = nullptr;  // the option whose value comes next
  std::size_t positionals_ = 0;
};

void add(Completion& to, const std::string& text, const std::string& about) {
  if (text.starts_with(to.current)) to.candidates.push_back({to.prefix + text, first_line(about)});
}

void add_options(Completion& to, const Place& place) {
  for (const CLI::App* at = &place.app(); at != nullptr; at = at->get_fallthrough() ? at->get_parent() : nullptr) {
    for (const CLI::Option* option : options_of(*at)) {
      for (const std::string& name : option->get_lnames()) add(to, "--" + name, option->get_description());
    }
  }
}

void add_commands(Completion& to, const CLI::App& app) {
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_group() != kHidden) add(to, each->get_name(), each->get_description());
  }
}

// The type, or what a positional argument is called where it has none.
std::string kind_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return option.get_positional() && (type.empty() || type == "TEXT") ? option.get_name(true) : type;
}

// "a|b|c" is a choice; any other type is for the caller to know.
void add_values(Completion& to, const CLI::Option& option) {
  const std::string kind = kind_of(option);
  if (kind.find('|') == std::string::npos) {
    to.kind = kind;
    return;
  }
  for (std::size_t at = 0; at <= kind.size();) {
    const std::size_t end = std::min(kind.find('|', at), kind.size());
    add(to, kind.substr(at, end - at), "");
    at = end + 1;
  }
}

}  // namespace

Completion complete(const CLI::App& program, const std::vector<std::string>& words) {
  Completion result;
  Place place(program);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) place.take(words[i]);
  result.current = words.empty() ? "" : words.back();
  const CLI::Option* value = place.pending();
  const std::size_t equals = result.current.find('=');
  if (value == nullptr && result.current.starts_with("--") && equals != std::string::npos) {
    value = place.find_option(result.current.substr(0, equals));
    result.prefix = result.current.substr(0, equals + 1);
    result.current.erase(0, equals + 1);
    if (value == nullptr) return result;
  }
  if (value == nullptr && result.current.starts_with('-')) {
    add_options(result, place);
    return result;
  }
  if (value == nullptr) value = place.positional();
  if (value != nullptr) add_values(result, *value);
  if (place.pending() == nullptr && place.wants_command()) add_commands(result, place.app());
  return result;
}

std::string value_of(const std::vector<std::string>& words, const std::string& option) {
  std::string value;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == option && i + 1 < words.size()) value = words[i + 1];
    if (words[i].starts_with(option + "=")) value = words[i].substr(option.size() + 1);
  }
  return value;
}

}  // namespace holdfast::app

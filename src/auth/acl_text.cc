#include "auth/acl_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/utf8.h"
#include "config/document.h"
#include "config/suggest.h"
#include "config/topic_filter.h"

namespace holdfast::auth {
namespace {

using config::quoted;

constexpr std::string_view kForm = "allow|deny user NAME|client ID|address NETWORK|all publish|subscribe|all FILTER...";

// A word of a line. `text` is what it says, `in_quotes` whether it had to be in quotes to say it.
struct Word {
  std::string text;
  std::size_t offset = 0;
  bool in_quotes = false;
};

struct Line {
  std::string_view text;
  std::uint32_t number = 0;
  config::Faults* faults = nullptr;

  void fault(std::size_t offset, std::string what) const {
    const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const auto column = std::ranges::count_if(text.substr(0, offset), starts_character) + 1;
    faults->add({number, static_cast<std::uint32_t>(column)}, std::move(what));
  }
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The word in quotes that begins at `at`, which is moved behind it. Nothing: a fault says why.
std::optional<Word> read_quoted(const Line& line, std::size_t& at) {
  Word word{"", at, true};
  for (++at; at < line.text.size(); ++at) {
    char c = line.text[at];
    if (c == '"') {
      ++at;
      if (at == line.text.size() || is_blank(line.text[at])) return word;
      line.fault(at, "a blank must follow the closing quote");
      return std::nullopt;
    }
    if (c == '\\') {
      c = ++at < line.text.size() ? line.text[at] : '\0';
      if (c != '"' && c != '\\') {
        line.fault(at - 1, R"(in quotes a backslash stands before a quote or a backslash: `\"`, `\\`)");
        return std::nullopt;
      }
    }
    word.text += c;
  }
  line.fault(word.offset, "the closing quote is missing");
  return std::nullopt;
}

Word read_plain(const Line& line, std::size_t& at) {
  const std::size_t begin = at;
  while (at < line.text.size() && !is_blank(line.text[at])) ++at;
  return {std::string(line.text.substr(begin, at - begin)), begin, false};
}

std::optional<std::vector<Word>> read_words(const Line& line) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < line.text.size();) {
    if (is_blank(line.text[at])) {
      ++at;
      continue;
    }
    auto word = line.text[at] == '"' ? read_quoted(line, at) : std::optional(read_plain(line, at));
    if (!word) return std::nullopt;
    words.push_back(std::move(*word));
  }
  return words;
}

template <typename Enum>
struct Named {
  std::string_view name;
  Enum value;
};

constexpr std::array<Named<Permission>, 2> kPermissions{{{"allow", Permission::allow}, {"deny", Permission::deny}}};
constexpr std::array<Named<RuleWho>, 4> kWho{
    {{"user", RuleWho::user}, {"client", RuleWho::client}, {"address", RuleWho::address}, {"all", RuleWho::all}}};
constexpr std::array<Named<RuleAction>, 3> kActions{
    {{"publish", RuleAction::publish}, {"subscribe", RuleAction::subscribe}, {"all", RuleAction::all}}};

template <typename Enum, std::size_t kCount>
std::string list_of(const std::array<Named<Enum>, kCount>& choices) {
  std::string list;
  for (const Named<Enum>& each : choices) list += (list.empty() ? "" : ", ") + quoted(each.name);
  return list;
}

// Takes one word after the other, and knows where the line ends.
class Words {
 public:
  Words(const Line& line, std::vector<Word> words) : line_(line), words_(std::move(words)) {}

  // Null, and a fault, at the end of the line.
  const Word* next(std::string_view wanted) {
    if (at_ < words_.size()) return &words_[at_++];
    line_.fault(line_.text.size(), fmt::format("the line ends where {} should stand; a rule is: {}", wanted, kForm));
    return nullptr;
  }

  template <typename Enum, std::size_t kCount>
  std::optional<Enum> one_of(const std::array<Named<Enum>, kCount>& choices) {
    if (at_end()) {
      (void)next("one of " + list_of(choices));
      return std::nullopt;
    }
    const Word& word = *next("");
    const auto found = std::ranges::find(choices, word.text, &Named<Enum>::name);
    if (found != choices.end()) return found->value;
    std::vector<std::string_view> names;
    for (const Named<Enum>& each : choices) names.push_back(each.name);
    const auto meant = config::closest(word.text, names);
    const std::string hint = meant ? fmt::format("; did you mean {}?", quoted(names[*meant])) : "";
    fault(word, fmt::format("here must stand one of {}; found {}{}", list_of(choices), quoted(word.text), hint));
    return std::nullopt;
  }

  [[nodiscard]] bool at_end() const { return at_ == words_.size(); }
  void fault(const Word& word, std::string what) const { line_.fault(word.offset, std::move(what)); }

 private:
  const Line& line_;
  std::vector<Word> words_;
  std::size_t at_ = 0;
};

bool read_network(Words& words, Rule& rule) {
  const Word* word = words.next("a network, such as 10.0.0.0/8,");
  if (word == nullptr) return false;
  const auto network = base::parse_cidr(word->text);
  if (network && !network->has_host_bits()) {
    rule.network = *network;
    return true;
  }
  const std::string hint = network ? fmt::format("; did you mean {}?", quoted(network->canonical().text())) : "";
  words.fault(*word, fmt::format("here must stand a network, such as 10.0.0.0/8, or an address; found {}{}",
                                 quoted(word->text), hint));
  return false;
}

bool read_name(Words& words, Rule& rule) {
  const Word* word = words.next(rule.who == RuleWho::user ? "the name of a user" : "a client id");
  if (word == nullptr) return false;
  rule.name = word->text;
  if (!rule.name.empty()) return true;
  words.fault(*word, "this name is empty; nobody is called so");
  return false;
}

bool read_who(Words& words, Rule& rule) {
  const auto who = words.one_of(kWho);
  if (!who) return false;
  rule.who = *who;
  switch (rule.who) {
    case RuleWho::user:
    case RuleWho::client: return read_name(words, rule);
    case RuleWho::address: return read_network(words, rule);
    case RuleWho::all: break;
  }
  return true;
}

bool read_filter(Words& words, Rule& rule) {
  const Word* word = words.next("a filter");
  if (word == nullptr) return false;
  const bool literal = !word->in_quotes && word->text == "eq";
  if (literal) word = words.next("the filter that `eq` is about");
  if (word == nullptr) return false;
  const auto unknown = literal ? std::string_view() : config::unknown_name_in(word->text);
  if (!unknown.empty()) {
    words.fault(*word,
                fmt::format("{} stands for nothing; there are %u, the user name, and %c, the client id; as it is "
                            "written it stands only behind `eq`",
                            quoted(unknown)));
    return false;
  }
  if (config::is_topic_filter(word->text)) {
    rule.filters.push_back({word->text, literal});
    return true;
  }
  const bool comment = word->text.starts_with('#') && !word->in_quotes;
  words.fault(*word, fmt::format("here must stand a filter of topics, such as site/+/door/#; found {}{}",
                                 quoted(word->text), comment ? "; a comment has a line of its own" : ""));
  return false;
}

std::optional<Rule> read_rule(Words words, std::uint32_t line) {
  Rule rule;
  rule.line = line;
  const auto permission = words.one_of(kPermissions);
  if (!permission || !read_who(words, rule)) return std::nullopt;
  const auto action = words.one_of(kActions);
  if (!action) return std::nullopt;
  rule.permission = *permission;
  rule.action = *action;
  do {
    if (!read_filter(words, rule)) return std::nullopt;
  } while (!words.at_end());
  return rule;
}

// Whether the line is one that can be read at all.
bool is_sound(const Line& line) {
  if (line.text.size() > kLineBytesMax) {
    line.fault(0, fmt::format("this line is too long; it may have {} bytes", kLineBytesMax));
    return false;
  }
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  const auto control = std::ranges::find_if(line.text, is_control);
  if (control != line.text.end()) {
    line.fault(static_cast<std::size_t>(control - line.text.begin()), "this is a control character");
    return false;
  }
  if (base::is_utf8(line.text)) return true;
  line.fault(0, "this line is not UTF-8; save the file in that encoding");
  return false;
}

void read_line(const Line& line, std::vector<Rule>& rules) {
  const auto first = std::ranges::find_if_not(line.text, is_blank);
  if (first == line.text.end() || *first == '#' || !is_sound(line)) return;
  auto words = read_words(line);
  if (!words) return;
  auto rule = read_rule({line, std::move(*words)}, line.number);
  if (rule) rules.push_back(std::move(*rule));
}

template <typename Enum, std::size_t kCount>
std::string_view name_of(const std::array<Named<Enum>, kCount>& choices, Enum value) {
  return std::ranges::find(choices, value, &Named<Enum>::value)->name;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::vector<Rule> read_acl(std::string_view text, config::Faults& faults) {
  std::vector<Rule> rules;
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    read_line({line, number, &faults}, rules);
    if (rules.size() <= kRulesMax) continue;
    faults.add({number, 1}, fmt::format("there are too many rules; a file may have {}", kRulesMax));
    break;
  }
  return rules;
}

std::string to_text(const Rule& rule) {
  std::string text = fmt::format("{} {}", name_of(kPermissions, rule.permission), name_of(kWho, rule.who));
  if (rule.who == RuleWho::address) text += " " + rule.network.text();
  if (rule.who == RuleWho::user || rule.who == RuleWho::client) text += " " + in_quotes(rule.name);
  text += fmt::format(" {}", name_of(kActions, rule.action));
  for (const RuleFilter& each : rule.filters) text += (each.literal ? " eq " : " ") + in_quotes(each.text);
  return text;
}

}  // namespace holdfast::auth

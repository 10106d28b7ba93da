#include "auth/acl.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>

#include "auth/topic_rules.h"

namespace holdfast::auth {
namespace {

constexpr std::uint32_t kNotExpanded = std::numeric_limits<std::uint32_t>::max();

// A name in a filter, and whether it has to be left out.
bool can_be_part_of_a_filter(std::string_view name) noexcept {
  return !name.empty() && !name.starts_with('$') && name.find_first_of("/+#") == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

struct Expanded {
  std::string text;
  bool complete = true;  // every name could be put in its place
};

// `filter` with the names in their places. A level with a name that cannot be put there becomes "+": all there can be.
Expanded expand(std::string_view filter, std::string_view user, std::string_view client) {
  Expanded made;
  std::size_t level_begin = 0;
  bool level_is_open = false;
  for (std::size_t at = 0; at < filter.size(); ++at) {
    const bool is_user = filter.substr(at).starts_with("%u");
    const bool is_name = is_user || filter.substr(at).starts_with("%c");
    if (filter[at] == '/') {
      if (level_is_open) made.text.replace(level_begin, std::string::npos, "+");
      made.text += '/';
      level_begin = made.text.size();
      level_is_open = false;
    } else if (!is_name) {
      made.text += filter[at];
    } else {
      const std::string_view name = is_user ? user : client;
      const bool good = can_be_part_of_a_filter(name);
      if (good) made.text += name;
      level_is_open = level_is_open || !good;
      made.complete = made.complete && good;
      ++at;
    }
  }
  if (level_is_open) made.text.replace(level_begin, std::string::npos, "+");
  return made;
}

bool is_about(RuleAction of, Action action) noexcept {
  return of == RuleAction::all || (of == RuleAction::publish) == (action == Action::publish);
}

// A filter of a rule, as it is for one client.
struct Filter {
  std::string_view text;
  Permission permission;
  RuleAction action;
  bool literal;
};

bool decides(const Filter& filter, Action action, std::string_view topic) noexcept {
  if (!is_about(filter.action, action)) return false;
  if (filter.literal) return filter.text == topic;
  if (action == Action::publish) return matches(filter.text, topic);
  return filter.permission == Permission::allow ? covers(filter.text, topic) : overlaps(filter.text, topic);
}

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

// The rules about one client, in the order of the file.
struct Identity::Own {
  struct Item {
    std::uint32_t entry = 0;
    std::uint32_t expanded = kNotExpanded;  // which of `texts`
    bool literal = false;
  };
  std::vector<Item> items;
  std::vector<std::string> texts;
};

void Identity::Delete::operator()(Own* own) const noexcept { delete own; }

std::size_t Identity::memory_bytes() const noexcept {
  if (own_ == nullptr) return 0;
  std::size_t bytes =
      sizeof(Own) + own_->items.capacity() * sizeof(Own::Item) + own_->texts.capacity() * sizeof(std::string);
  for (const std::string& each : own_->texts) bytes += each.capacity() > 15 ? each.capacity() + 1 : 0;
  return bytes;
}

Acl::Acl(std::vector<Rule> rules, Permission no_match)
    : no_match_(no_match), rules_total_(rules.size()), serial_(next_serial()) {
  for (Rule& each : rules) add(std::move(each));
}

void Acl::add(Rule rule) {
  Indices* into = &for_all_;
  if (rule.who == RuleWho::user) into = &by_user_[rule.name];
  if (rule.who == RuleWho::client) into = &by_client_[rule.name];
  if (rule.who == RuleWho::address) {
    const std::pair prefix(rule.network.family, rule.network.prefix);
    if (std::ranges::find(prefixes_, prefix) == prefixes_.end()) prefixes_.push_back(prefix);
    into = &by_network_[rule.network];
  }
  for (RuleFilter& filter : rule.filters) {
    const bool has_names = filter.text.find("%u") != std::string::npos || filter.text.find("%c") != std::string::npos;
    names_for_all_ = names_for_all_ || (has_names && rule.who == RuleWho::all);
    into->push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back({std::move(filter.text), rule.line, rule.permission, rule.action, filter.literal, has_names});
  }
}

// Those that are not for all, sorted.
Acl::Indices Acl::about(const Who& who) const {
  Indices found;
  const auto append = [&found](const Indices& more) { found.insert(found.end(), more.begin(), more.end()); };
  if (const auto user = by_user_.find(who.user); !who.user.empty() && user != by_user_.end()) append(user->second);
  if (const auto client = by_client_.find(who.client_id); client != by_client_.end()) append(client->second);
  append_of_address(who.address, found);
  std::ranges::sort(found);
  return found;
}

void Acl::append_of_address(const base::PeerAddress& address, Indices& to) const {
  using Family = base::PeerAddress::Family;
  const base::PeerAddress peer = address.unmapped();
  if (peer.family != Family::ipv4 && peer.family != Family::ipv6) return;
  const auto family = peer.family == Family::ipv4 ? base::Cidr::Family::ipv4 : base::Cidr::Family::ipv6;
  for (const auto& [of, prefix] : prefixes_) {
    if (of != family) continue;
    const auto found = by_network_.find(base::Cidr{peer.bytes, prefix, family}.canonical());
    if (found != by_network_.end()) to.insert(to.end(), found->second.begin(), found->second.end());
  }
}

Identity Acl::prepare(const Who& who) const {
  Identity identity;
  identity.serial_ = serial_;
  identity.rank_ = who.rank;
  if (who.rank == Rank::superuser) return identity;
  const Indices personal = about(who);
  if (personal.empty() && !names_for_all_) return identity;

  Indices merged;
  merged.reserve(personal.size() + for_all_.size());
  std::ranges::merge(personal, for_all_, std::back_inserter(merged));
  std::unique_ptr<Identity::Own, Identity::Delete> own(new Identity::Own);
  own->items.reserve(merged.size());
  for (const std::uint32_t index : merged) {
    const Entry& entry = entries_[index];
    if (!entry.has_names) {
      own->items.push_back({index, kNotExpanded, entry.literal});
      continue;
    }
    Expanded expanded = expand(entry.text, who.user, who.client_id);
    if (!expanded.complete && entry.permission == Permission::allow) continue;
    const bool literal = entry.literal && expanded.complete;
    own->items.push_back({index, static_cast<std::uint32_t>(own->texts.size()), literal});
    own->texts.push_back(std::move(expanded.text));
  }
  own->items.shrink_to_fit();
  own->texts.shrink_to_fit();
  identity.own_ = std::move(own);
  return identity;
}

Decision Acl::check(const Identity& identity, Action action, std::string_view topic) const noexcept {
  if (!fits(identity)) std::abort();
  if (identity.rank_ == Rank::superuser) return {Permission::allow, 0};
  topic = action == Action::publish ? without_delay(topic) : without_prefix(topic);
  if (identity.own_ == nullptr) {
    for (const std::uint32_t index : for_all_) {
      const Entry& entry = entries_[index];
      const Filter filter{entry.text, entry.permission, entry.action, entry.literal};
      if (decides(filter, action, topic)) return {entry.permission, entry.line};
    }
    return {no_match_, 0};
  }
  for (const Identity::Own::Item& item : identity.own_->items) {
    const Entry& entry = entries_[item.entry];
    const std::string& text = item.expanded == kNotExpanded ? entry.text : identity.own_->texts[item.expanded];
    if (decides({text, entry.permission, entry.action, item.literal}, action, topic)) {
      return {entry.permission, entry.line};
    }
  }
  return {no_match_, 0};
}

}  // namespace holdfast::auth

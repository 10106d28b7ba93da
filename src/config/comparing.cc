#include "config/comparing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace holdfast::config {
namespace {

constexpr std::size_t kItemsMax = 8;

bool is_long(const Value& value) {
  const List* list = value.as<List>();
  return list != nullptr && list->size() > kItemsMax;
}

std::unordered_set<std::string> items_of(const Value& value) {
  std::unordered_set<std::string> items;
  if (const List* list = value.as<List>()) {
    for (const Value& item : *list) items.insert(full_toml(item));
  }
  return items;
}

std::string abbreviated(const std::vector<std::string>& items, std::size_t items_total) {
  const std::size_t shown = std::min(items.size(), kItemsMax);
  std::vector<std::string> parts(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(shown));
  if (shown < items_total) parts.push_back(fmt::format("{} others", items_total - shown));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

// Nobody finds the network that is new among a thousand, so of a long list only what `other` has not is shown.
std::string shown(const Value& value, const Value& other) {
  if (!is_long(value)) return full_toml(value);
  const auto known = items_of(other);
  std::vector<std::string> unknown;
  for (const Value& item : *value.as<List>()) {
    std::string text = full_toml(item);
    if (!known.contains(text)) unknown.push_back(std::move(text));
  }
  return abbreviated(unknown, value.as<List>()->size());
}

}  // namespace

Comparing Comparing::at(const KeyShape& key) const {
  Comparing inner = *this;
  inner.key_ = &key;
  return inner;
}

Comparing Comparing::table() const {
  if (key_ == nullptr) return *this;
  if (where_.empty()) return table("");
  Comparing inner = *this;
  inner.prefix_ += key_->name + '.';
  return inner;
}

Comparing Comparing::table(const std::string& name) const {
  Comparing inner = *this;
  inner.where_.push_back({prefix_ + key_->name, name});
  inner.prefix_.clear();
  return inner;
}

void Comparing::add_table(Change::Kind kind, const std::string& name) const {
  const Value nothing{Members{}};
  found_->push_back({kind, table(name).where_, "", "", "", key_->reload.of(nothing, nothing)});
}

void Comparing::changed(const std::optional<Value>& running, const std::optional<Value>& wanted) const {
  const Value nothing{Members{}};
  const Value& from = running ? *running : nothing;
  const Value& to = wanted ? *wanted : nothing;
  found_->push_back({Change::Kind::changed, where_, prefix_ + key_->name,
                     running ? shown(from, to) : key_->fallback.text(),
                     wanted ? shown(to, from) : key_->fallback.text(), key_->reload.of(from, to)});
}

void Comparing::ordered(const std::vector<std::string_view>& running,
                        const std::vector<std::string_view>& wanted) const {
  const auto [first, first_wanted] = std::ranges::mismatch(running, wanted);
  if (first == running.end()) return;
  std::vector<std::string> from;
  std::vector<std::string> to;
  for (auto each = first; each != running.end(); ++each) from.push_back(quoted(*each));
  for (auto each = first_wanted; each != wanted.end(); ++each) to.push_back(quoted(*each));
  found_->push_back({Change::Kind::changed, where_, prefix_ + key_->name, abbreviated(from, from.size()),
                     abbreviated(to, to.size()), Applies::new_connections});
}

}  // namespace holdfast::config

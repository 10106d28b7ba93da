#include "broker/core/topic_aliases.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace holdfast::broker {

using wire::mqtt::Fault;
using wire::mqtt::Reason;

namespace {

constexpr Fault kBeyondMaximum{Reason::topic_alias_invalid, "MQTT5 [MQTT-3.3.2-9]",
                               "Topic Alias above the Topic Alias Maximum"};
constexpr Fault kUnknown{Reason::protocol_error, "MQTT5 3.3.2.3.4", "Topic Alias that has not been given a topic"};

std::unique_ptr<char[]> copy_of(std::string_view text) {
  auto copy = std::make_unique_for_overwrite<char[]>(text.size());
  std::memcpy(copy.get(), text.data(), text.size());
  return copy;
}

}  // namespace

//= MQTT5 [MQTT-3.3.2-9]
//= MQTT5 [MQTT-3.3.2-12]
const Fault* InboundAliases::resolve(std::uint16_t alias, std::string_view& topic) {
  if (alias == 0) return nullptr;
  if (alias > maximum_) return &kBeyondMaximum;
  if (!topic.empty()) {
    put(alias, topic);
    return nullptr;
  }
  const Entry* entry = find(alias);
  if (entry == nullptr) return &kUnknown;
  topic = entry->text();
  return nullptr;
}

void InboundAliases::put(std::uint16_t alias, std::string_view topic) {
  if (!entries_) entries_ = std::make_unique<std::vector<Entry>>();
  const auto place = std::ranges::lower_bound(*entries_, alias, {}, &Entry::alias);
  const auto bytes = static_cast<std::uint16_t>(topic.size());
  if (place == entries_->end() || place->alias != alias) {
    entries_->insert(place, Entry{copy_of(topic), bytes, alias});
  } else if (place->text() != topic) {
    *place = Entry{copy_of(topic), bytes, alias};
  }
}

const InboundAliases::Entry* InboundAliases::find(std::uint16_t alias) const noexcept {
  if (!entries_) return nullptr;
  const auto place = std::ranges::lower_bound(*entries_, alias, {}, &Entry::alias);
  return place != entries_->end() && place->alias == alias ? &*place : nullptr;
}

std::size_t InboundAliases::memory_bytes() const noexcept {
  if (!entries_) return 0;
  std::size_t bytes = sizeof(*entries_) + entries_->capacity() * sizeof(Entry);
  for (const Entry& entry : *entries_) bytes += entry.topic_bytes;
  return bytes;
}

//= MQTT5 [MQTT-3.3.2-8]
//= MQTT5 [MQTT-3.3.2-11]
OutboundAliases::Choice OutboundAliases::choose(std::string_view topic) {
  if (maximum_ == 0 || topic.size() < kTopicBytesMin || topic.size() > kTopicBytesMax) return {};
  if (!places_) places_ = std::make_unique<Place[]>(maximum_);
  const std::uint64_t hash = base::hash_text(topic);
  const auto index = static_cast<std::uint16_t>((hash >> 32) * maximum_ >> 32);
  const auto alias = static_cast<std::uint16_t>(index + 1);
  Place& place = places_[index];
  const bool is_same = place.credit > 0 && place.hash == static_cast<std::uint32_t>(hash);
  if (is_same && place.topic && std::string_view(place.topic.get(), place.topic_bytes) == topic) {
    place.credit = std::min<std::uint8_t>(static_cast<std::uint8_t>(place.credit + 1), kCreditMax);
    return {alias, true};
  }
  if (is_same && !place.topic) {
    place.topic = copy_of(topic);
    place.topic_bytes = static_cast<std::uint16_t>(topic.size());
    ++place.credit;
    return {alias, false};
  }
  if (place.credit > 1) {
    --place.credit;
  } else {
    place = Place{nullptr, static_cast<std::uint32_t>(hash), 0, 1};
  }
  return {};
}

void OutboundAliases::take_back(std::uint16_t alias) noexcept {
  if (!places_ || alias == 0 || alias > maximum_) return;
  places_[alias - 1] = Place{};
}

std::size_t OutboundAliases::memory_bytes() const noexcept {
  if (!places_) return 0;
  std::size_t bytes = maximum_ * sizeof(Place);
  for (std::uint16_t i = 0; i < maximum_; ++i) bytes += places_[i].topic_bytes;
  return bytes;
}

}  // namespace holdfast::broker

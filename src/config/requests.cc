#include "config/requests.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

#include "config/endpoint_kinds.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

const Default kAsItIs = Default::derived("as it is");

// A key that may be left out; the field says whether it was.
template <typename T>
Kind<std::optional<T>> maybe(Kind<T> kind) {
  auto read = [read = std::move(kind.read)](const Value& value,
                                            const Reading& reading) -> std::optional<std::optional<T>> {
    auto inner = read(value, reading);
    return inner ? std::optional<std::optional<T>>(std::in_place, std::move(inner)) : std::nullopt;
  };
  auto write = [write = std::move(kind.write)](const std::optional<T>& value) {
    return value ? write(*value) : std::nullopt;
  };
  return {std::move(kind.shape), std::move(read), std::move(write)};
}

Kind<std::optional<base::Rate>> drain_rate() { return maybe(rate(kRateMin, kRateMax)); }
Kind<std::optional<Duration>> deadline() { return maybe(duration(10ms, kDay)); }

Kind<std::optional<ServerState>> server_state() {
  return maybe(choice<ServerState>(
      {{"ready", ServerState::ready}, {"drain", ServerState::drain}, {"maint", ServerState::maint}}));
}

template <typename Owner, typename T>
Key<Owner> row(const char* name, Kind<std::optional<T>> kind, std::optional<T> Owner::*field) {
  return {name, std::move(kind), field, kAsItIs, kLive, ""};
}

Table<ServerChange> server_change() {
  return {{
      row("state", server_state(), &ServerChange::state),
      row("rate", drain_rate(), &ServerChange::rate),
      row("deadline", deadline(), &ServerChange::deadline),
      row("weight", maybe(server_weight()), &ServerChange::weight),
      row("max_connections", maybe(server_max_connections()), &ServerChange::max_connections),
      row("max_accept_rate", maybe(server_max_accept_rate()), &ServerChange::max_accept_rate),
      row("address", maybe(server_address()), &ServerChange::address),
      row("backup", maybe(boolean()), &ServerChange::backup),
  }};
}

Table<ListenerChange> listener_change() {
  const auto state = choice<ListenerState>({{"ready", ListenerState::ready}, {"drain", ListenerState::drain}});
  return {{
      {"state", maybe(state), &ListenerChange::state, kRequired, kLive, ""},
      row("rate", drain_rate(), &ListenerChange::rate),
      row("deadline", deadline(), &ListenerChange::deadline),
  }};
}

Table<NodeDrain> node_drain() {
  return {{
      row("rate", drain_rate(), &NodeDrain::rate),
      row("deadline", deadline(), &NodeDrain::deadline),
      row("wait", maybe(duration(0s, 1h)), &NodeDrain::wait),
  }};
}

std::vector<std::string> texts(const Faults& faults) {
  std::vector<std::string> texts;
  for (Fault& fault : faults.in_file_order("")) texts.push_back(std::move(fault.text));
  return texts;
}

template <typename T>
Asked<T> asked(std::optional<T> value, const Faults& faults) {
  if (!faults.empty()) return {std::nullopt, texts(faults)};
  return {std::move(value), {}};
}

template <typename Owner>
std::optional<Owner> read_body(const Table<Owner>& table, const Value& body, Faults& faults) {
  Owner owner{};
  read_table(table, shape_of(table, Shape::Form::body), body, Reading::of_body(faults), owner);
  return owner;
}

// `rate` and `deadline` say how to drain, so that they mean nothing to anybody else.
template <typename Change, typename State>
void check_drain_keys(const Change& change, State drain, const Value& body, Faults& faults) {
  const bool is_unclear = !change.state && body.find("state") != nullptr;  // that has a fault already
  if (change.state == drain || is_unclear) return;
  for (const std::string_view key : {"rate", "deadline"}) {
    if (body.find(key) == nullptr) continue;
    faults.add({}, fmt::format("`{}` does nothing without the `state` \"drain\"", key));
  }
}

template <typename T>
Asked<T> read_parameter(const Kind<T>& kind, std::string_view key, Value value) {
  Faults faults;
  auto read = kind.read(value, Reading(faults).key(key));
  return asked(std::move(read), faults);
}

// Text that is no number stays text, so that the fault shows it.
Value number_or_text(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  return is_number ? value_of(number).value() : value_of(std::string(text)).value();
}

}  // namespace

Asked<Server> read_server(const Value& body) {
  static const Table<Server> kTable = server_section();
  Faults faults;
  return asked(read_body(kTable, body, faults), faults);
}

Asked<ServerChange> read_server_change(const Value& body) {
  static const Table<ServerChange> kTable = server_change();
  Faults faults;
  auto change = read_body(kTable, body, faults);
  const Members* members = body.as<Members>();
  if (members != nullptr && members->empty()) {
    faults.add({}, fmt::format("the request changes nothing; {}", all_keys(shape_of(kTable, Shape::Form::body))));
  }
  check_drain_keys(*change, ServerState::drain, body, faults);
  return asked(std::move(change), faults);
}

Asked<ListenerChange> read_listener_change(const Value& body) {
  static const Table<ListenerChange> kTable = listener_change();
  Faults faults;
  auto change = read_body(kTable, body, faults);
  check_drain_keys(*change, ListenerState::drain, body, faults);
  return asked(std::move(change), faults);
}

Asked<NodeDrain> read_node_drain(const Value& body) {
  static const Table<NodeDrain> kTable = node_drain();
  Faults faults;
  return asked(read_body(kTable, body, faults), faults);
}

Asked<base::Rate> read_rate(std::string_view key, std::string_view text) {
  return read_parameter(rate(kRateMin, kRateMax), key, value_of(std::string(text)).value());
}

Asked<Duration> read_duration(std::string_view key, std::string_view text) {
  return read_parameter(duration(0s, 365 * kDay), key, value_of(std::string(text)).value());
}

Asked<base::Bytes> read_bytes(std::string_view key, std::string_view text) {
  return read_parameter(bytes({0}, {std::numeric_limits<std::int64_t>::max()}), key,
                        value_of(std::string(text)).value());
}

Asked<std::uint32_t> read_number(std::string_view key, std::string_view text, std::uint32_t min, std::uint32_t max) {
  return read_parameter(count(min, max), key, number_or_text(text));
}

}  // namespace holdfast::config

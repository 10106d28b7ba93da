#include "client/top_data.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "client/fields.h"
#include "client/server_text.h"
#include "client/shown.h"

namespace holdfast::app {
namespace {

using boost::json::value;

struct SortName {
  Sort sort;
  const char* name;
};
constexpr std::array kSorts = {SortName{Sort::connections, "connections"}, SortName{Sort::rate, "rate"},
                               SortName{Sort::slow, "slow"}, SortName{Sort::state, "state"},
                               SortName{Sort::name, "name"}};

const value kNone;

const value& find_by_name(const value& list, const std::string& name) {
  for (const value& each : list_at(list, "")) {
    if (text_at(each, "name") == name) return each;
  }
  return kNone;
}

const value& servers_of(const Sample& sample, const std::string& pool) {
  const auto found =
      std::ranges::find(sample.servers, pool, [](const auto& each) -> const std::string& { return each.first; });
  return found == sample.servers.end() ? kNone : found->second;
}

// What changed in a second.
class Rates {
 public:
  Rates(const Sample& older, const Sample& newer)
      : seconds_(std::chrono::duration<double>(newer.at - older.at).count()) {}

  // Nothing to compare with is no rate either: what was before this look is not known.
  [[nodiscard]] double of(const value& before, const value& now, std::string_view path) const {
    const auto from = find_number(before, path);
    const double rise = number_at(now, path) - from.value_or(number_at(now, path));
    return seconds_ > 0 && rise > 0 ? rise / seconds_ : 0;
  }

 private:
  double seconds_;
};

// Of the connects between two looks; where there were none, of all.
double connect_seconds(const value& before, const value& now) {
  const double mean = find_number(now, "connect_mean_seconds").value_or(-1);
  const double count = number_at(now, "connections_total") - number_at(before, "connections_total");
  if (!before.is_object() || count <= 0 || mean < 0) return mean;
  const double spent = mean * number_at(now, "connections_total") -
                       number_at(before, "connect_mean_seconds") * number_at(before, "connections_total");
  return std::max(0.0, spent / count);
}

std::string shown_rate(double rate) { return rate > 0 ? shown_short(rate) : kNothing; }

int trouble_of(const Cell& state) { return state.colour == Colour::bad ? 2 : state.colour == Colour::warning ? 1 : 0; }

TopRow listener_row(const value& before, const value& now, const Rates& rates) {
  TopRow row;
  row.name = text_at(now, "name");
  row.connections = number_at(now, "connections");
  row.rate = rates.of(before, now, "connections_total");
  row.slow_seconds = find_number(now, "connect.p99_seconds").value_or(-1);
  const std::string state = text_at(now, "state");
  const Cell cell(state, state == "accepting" ? Colour::good : Colour::warning);
  row.trouble = trouble_of(cell);
  row.cells = {row.name,
               cell,
               text_at(now, "role") == "broker" ? "broker" : text_at(now, "pool"),
               shown_short(row.connections),
               shown_rate(row.rate),
               shown_bytes(rates.of(before, now, "bytes_to_server")),
               shown_bytes(rates.of(before, now, "bytes_to_client")),
               shown_seconds(row.slow_seconds)};
  return row;
}

Cell pool_state(const value& pool) {
  if (flag_at(pool, "panic")) return {"panic", Colour::bad};
  const double up = number_at(pool, "servers_up");
  if (up == 0) return {"no server", Colour::bad};
  return {"ok", Colour::good};
}

TopRow pool_row(const value& pool, const value& before, const value& servers, const Rates& rates) {
  TopRow row;
  row.name = text_at(pool, "name");
  row.connections = number_at(pool, "connections");
  for (const value& server : list_at(servers, ""))
    row.rate += rates.of(find_by_name(before, text_at(server, "name")), server, "connections_total");
  const Cell state = pool_state(pool);
  const double up = number_at(pool, "servers_up"), all = number_at(pool, "servers");
  const double waiting = number_at(pool, "waiting");
  row.trouble = trouble_of(state) + (up < all ? 1 : 0);
  row.cells = {row.name,
               state,
               Cell(shown_count(up) + "/" + shown_count(all), up < all ? Colour::warning : Colour::none),
               shown_short(row.connections),
               shown_rate(row.rate),
               Cell(shown_short(waiting), waiting > 0 ? Colour::warning : Colour::none),
               text_at(pool, "policy")};
  return row;
}

TopRow server_row(const std::string& pool, const value& before, const value& now, const Rates& rates) {
  TopRow row;
  row.name = pool + "/" + text_at(now, "name");
  row.connections = number_at(now, "connections");
  row.rate = rates.of(before, now, "connections_total");
  row.slow_seconds = connect_seconds(before, now);
  if (is_there(now, "check.seconds_ago")) row.check_seconds = number_at(now, "check.took_seconds");
  const Cell state = server_state(now);
  row.trouble = trouble_of(state);
  const double failed = rates.of(before, now, "connect_failures_total");
  row.cells = {row.name,
               state,
               text_at(now, "weight_now"),
               shown_count(row.connections),
               shown_rate(row.rate),
               Cell(shown_rate(failed), failed > 0 ? Colour::bad : Colour::none),
               shown_seconds(row.slow_seconds),
               shown_seconds(row.check_seconds),
               server_remarks(now)};
  return row;
}

// `where`: "refused", or "connects_refused" of the broker.
void add_refused(TopData& data, const value& before, const value& now, const Rates& rates, const std::string& where) {
  for (const auto& each : object_at(now, where)) {
    const std::string reason(each.key().data(), each.key().size());
    const double rate = rates.of(before, now, where + "." + reason);
    if (rate == 0) continue;
    const auto known =
        std::ranges::find(data.refused, reason, [](const auto& pair) -> const std::string& { return pair.first; });
    if (known == data.refused.end()) {
      data.refused.emplace_back(reason, rate);
    } else {
      known->second += rate;
    }
  }
}

void add_listener(TopData& data, const value& before, const value& now, const Rates& rates) {
  data.listeners.push_back(listener_row(before, now, rates));
  data.accepted += rates.of(before, now, "connections_total");
  data.to_server += rates.of(before, now, "bytes_to_server");
  data.to_client += rates.of(before, now, "bytes_to_client");
  data.refused_total += sum_of(object_at(now, "refused")) + sum_of(object_at(now, "connects_refused"));
  for (const auto& each : object_at(now, "closed"))
    data.ended += rates.of(before, now, "closed." + std::string(each.key().data(), each.key().size()));
  add_refused(data, before, now, rates, "refused");
  add_refused(data, before, now, rates, "connects_refused");
}

}  // namespace

const char* name(Sort sort) noexcept { return std::ranges::find(kSorts, sort, &SortName::sort)->name; }

Sort next(Sort sort) noexcept {
  const auto at = std::ranges::find(kSorts, sort, &SortName::sort) + 1;
  return at == kSorts.end() ? kSorts.front().sort : at->sort;
}

bool parse_sort(const std::string& text, Sort& sort) noexcept {
  const auto found = std::ranges::find(kSorts, text, &SortName::name);
  if (found != kSorts.end()) sort = found->sort;
  return found != kSorts.end();
}

Sample take_sample(const Client& client) {
  Sample sample;
  sample.status = client.get("/v1/status").json;
  sample.listeners = client.get("/v1/listeners").json;
  sample.pools = client.get("/v1/pools").json;
  for (const value& pool : list_at(sample.pools, "")) {
    const std::string name = text_at(pool, "name");
    sample.servers.emplace_back(name, client.get("/v1/pools/" + control::encode_percent(name) + "/servers").json);
  }
  sample.at = std::chrono::steady_clock::now();
  return sample;
}

TopData compare(const Sample& older, const Sample& newer) {
  TopData data;
  const Rates rates(older, newer);
  data.status = newer.status;
  for (const value& listener : list_at(newer.listeners, ""))
    add_listener(data, find_by_name(older.listeners, text_at(listener, "name")), listener, rates);
  for (const value& pool : list_at(newer.pools, "")) {
    const std::string name = text_at(pool, "name");
    const value& before = servers_of(older, name);
    data.pools.push_back(pool_row(pool, before, servers_of(newer, name), rates));
    for (const value& server : list_at(servers_of(newer, name), ""))
      data.servers.push_back(server_row(name, find_by_name(before, text_at(server, "name")), server, rates));
  }
  std::ranges::stable_sort(data.refused, std::ranges::greater(), &std::pair<std::string, double>::second);
  return data;
}

void sort_rows(std::vector<TopRow>& rows, Sort sort) {
  switch (sort) {
    case Sort::connections: std::ranges::stable_sort(rows, std::ranges::greater(), &TopRow::connections); break;
    case Sort::rate: std::ranges::stable_sort(rows, std::ranges::greater(), &TopRow::rate); break;
    case Sort::slow: std::ranges::stable_sort(rows, std::ranges::greater(), &TopRow::slow_seconds); break;
    case Sort::state: std::ranges::stable_sort(rows, std::ranges::greater(), &TopRow::trouble); break;
    case Sort::name: std::ranges::stable_sort(rows, std::ranges::less(), &TopRow::name); break;
  }
}

}  // namespace holdfast::app

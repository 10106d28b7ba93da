#include "client/top_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client/fields.h"
#include "client/shown.h"

namespace holdfast::app {
namespace {

constexpr std::size_t kRowsUnfocused = 3;  // of a section, while there is no room for all
constexpr std::size_t kSlowest = 3;

// Lines of the picture, each within its width.
class Picture {
 public:
  Picture(Size size, Paint paint) : size_(size), paint_(paint) {}

  void add(const std::string& text, Colour colour = Colour::none) {
    const std::string fit = clean(text);
    lines_.push_back(painted(cut(fit, size_.columns), colour, paint_));
  }
  void add(std::vector<std::string> lines) { std::ranges::move(lines, std::back_inserter(lines_)); }
  [[nodiscard]] std::size_t room() const { return size_.rows > lines_.size() ? size_.rows - lines_.size() : 0; }
  [[nodiscard]] Size size() const { return size_; }
  [[nodiscard]] Paint paint() const { return paint_; }
  [[nodiscard]] std::vector<std::string> take() && {
    if (lines_.size() > size_.rows) lines_.resize(size_.rows);
    return std::move(lines_);
  }

 private:
  Size size_;
  Paint paint_;
  std::vector<std::string> lines_;
};

void add_title(Picture& picture, const TopData& data, const View& view) {
  const std::string drain = is_there(data.status, "drain")
                                ? fmt::format(" ({} left)", shown_count(number_at(data.status, "drain.remaining")))
                                : "";
  picture.add(fmt::format("holdfast {}  {}  {}{}  up {}  sorted by {}{}", text_at(data.status, "version"),
                          text_at(data.status, "node"), text_at(data.status, "phase"), drain,
                          shown_seconds(find_number(data.status, "uptime_seconds")), name(view.sort),
                          view.paused ? "  PAUSED" : ""),
              Colour::title);
}

void add_totals(Picture& picture, const TopData& data) {
  const double most = number_at(data.status, "max_connections");
  picture.add(fmt::format("connections {}{}  +{}/s -{}/s  to servers {}/s  to clients {}/s  fds {}",
                          shown_count(number_at(data.status, "connections")), most > 0 ? "/" + shown_count(most) : "",
                          shown_short(data.accepted), shown_short(data.ended), shown_bytes(data.to_server),
                          shown_bytes(data.to_client), shown_short(number_at(data.status, "descriptors_free"))));
}

void add_broker(Picture& picture, const TopData& data) {
  if (!is_there(data.status, "broker")) return;
  const auto count = [&data](const char* path) { return shown_short(number_at(data.status, path)); };
  const double dropped = number_at(data.status, "broker.messages_dropped_per_second");
  picture.add(
      fmt::format("broker        clients {}  sessions {}  subscriptions {}  retained {}  messages in {}/s out {}/s "
                  "dropped {}/s",
                  count("broker.clients"), count("broker.sessions"), count("broker.subscriptions"),
                  count("broker.retained"), count("broker.messages_received_per_second"),
                  count("broker.messages_sent_per_second"), shown_short(dropped)),
      dropped > 0 ? Colour::warning : Colour::none);
}

void add_alarms(Picture& picture, const TopData& data, const std::string& trouble) {
  if (!trouble.empty()) return picture.add("no answer: " + trouble, Colour::bad);
  const auto& alarms = list_at(data.status, "alarms");
  if (alarms.empty()) return picture.add("alarms        none", Colour::good);
  std::string text = fmt::format("alarms {:<7}", alarms.size());
  for (const auto& alarm : alarms) {
    text += fmt::format("{}{} {}: {}", &alarm == &alarms.front() ? "" : " | ", text_at(alarm, "name"),
                        text_at(alarm, "subject"), text_at(alarm, "why"));
  }
  picture.add(text, Colour::bad);
}

void add_refused(Picture& picture, const TopData& data) {
  std::string text = "refused       ";
  for (const auto& [reason, rate] : data.refused) text += fmt::format("{} {}/s  ", reason, shown_short(rate));
  if (data.refused.empty()) text += fmt::format("none now, {} since the start", shown_count(data.refused_total));
  picture.add(text.substr(0, text.find_last_not_of(' ') + 1), data.refused.empty() ? Colour::none : Colour::warning);
}

// "brokers/b3 12.3ms  brokers/b1 8.0ms"
std::string slowest(const std::vector<TopRow>& rows, double TopRow::*seconds) {
  std::vector<const TopRow*> order;
  for (const TopRow& row : rows) {
    if (row.*seconds >= 0) order.push_back(&row);
  }
  std::ranges::stable_sort(order, [seconds](const TopRow* a, const TopRow* b) { return a->*seconds > b->*seconds; });
  std::string text;
  order.resize(std::min(order.size(), kSlowest));
  for (const TopRow* row : order)
    text += fmt::format("{}{} {}", text.empty() ? "" : "  ", row->name, shown_seconds(row->*seconds));
  return text.empty() ? kNothing : text;
}

// The names of a section's columns; cells of its rows are in the same order.
std::vector<Table::Column> columns_of(Section section) {
  constexpr Align kRight = Align::right;
  switch (section) {
    case Section::listeners:
      return {{"LISTENER"},
              {"STATE"},
              {"POOL"},
              {"CONN", kRight},
              {"NEW/S", kRight},
              {"TO SERVER", kRight},
              {"TO CLIENT", kRight},
              {"CONNECT P99", kRight}};
    case Section::pools:
      return {{"POOL"}, {"STATE"}, {"UP", kRight}, {"CONN", kRight}, {"NEW/S", kRight}, {"WAIT", kRight}, {"POLICY"}};
    case Section::servers: break;
  }
  return {{"SERVER"},         {"STATE"},           {"WEIGHT", kRight}, {"CONN", kRight}, {"NEW/S", kRight},
          {"FAIL/S", kRight}, {"CONNECT", kRight}, {"CHECK", kRight},  {"REMARKS"}};
}

// How many rows each section shows when `room` lines are left, a heading each included.
std::array<std::size_t, 3> share_out(const std::array<std::size_t, 3>& wanted, std::size_t room, std::size_t focus) {
  room = room > 3 ? room - 3 : 0;
  std::array<std::size_t, 3> given{};
  const auto give = [&](std::size_t section, std::size_t most) {
    const std::size_t more = std::min({most, wanted[section] - given[section], room});
    given[section] += more;
    room -= more;
  };
  for (std::size_t i = 0; i < 3; ++i) {
    if (i != focus) give(i, kRowsUnfocused);
  }
  give(focus, room);
  for (std::size_t i = 0; i < 3; ++i) give(i, room);
  return given;
}

void add_section(Picture& picture, Section section, std::vector<TopRow> rows, Sort sort, std::size_t offset,
                 std::size_t count) {
  sort_rows(rows, sort);
  Table table(columns_of(section));
  for (std::size_t i = offset; i < rows.size() && i < offset + count; ++i) table.add(rows[i].cells);
  picture.add(table.lines(picture.paint(), picture.size().columns));
}

std::string position(const View& view, std::size_t shown, std::size_t all) {
  constexpr std::array kNames = {"listeners", "pools", "servers"};
  const char* const section = kNames[static_cast<std::size_t>(view.focus)];
  if (shown == all) return fmt::format("{} {}", all, section);
  return fmt::format("{} {}-{} of {}", section, view.offset + 1, view.offset + shown, all);
}

void add_sections(Picture& picture, const TopData& data, View& view) {
  const std::array all = {&data.listeners, &data.pools, &data.servers};
  const auto focus = static_cast<std::size_t>(view.focus);
  const std::size_t below = view.help ? 1 : 0;
  const std::size_t room = picture.room() > below ? picture.room() - below : 0;
  const auto given = share_out({all[0]->size(), all[1]->size(), all[2]->size()}, room, focus);
  view.offset = std::min(view.offset, all[focus]->size() - given[focus]);
  for (std::size_t i = 0; i < 3; ++i)
    add_section(picture, static_cast<Section>(i), *all[i], view.sort, i == focus ? view.offset : 0, given[i]);
  if (!view.help) return;
  while (picture.room() > 1) picture.add("");
  picture.add(position(view, given[focus], all[focus]->size()) +
                  "   q quit  s sort  l p v listeners pools servers  j k scroll  space pause",
              Colour::quiet);
}

}  // namespace

std::vector<std::string> make_frame(const TopData& data, View& view, Size size, Paint paint,
                                    const std::string& trouble) {
  Picture picture(size, paint);
  add_title(picture, data, view);
  add_totals(picture, data);
  add_broker(picture, data);
  add_alarms(picture, data, trouble);
  add_refused(picture, data);
  picture.add("slow connect  " + slowest(data.servers, &TopRow::slow_seconds));
  picture.add("slow check    " + slowest(data.servers, &TopRow::check_seconds));
  add_sections(picture, data, view);
  return std::move(picture).take();
}

}  // namespace holdfast::app

// broker/core/route_table_exercise.h: a route table beside a list of what was added. See tree_exercise.h.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "broker/core/route_table.h"
#include "broker/core/tree_exercise.h"

namespace holdfast::broker {

class RouteTableExercise {
 public:
  explicit RouteTableExercise(Choices& choices)
      : choices_(choices),
        hash_bits_(choices.of({64U, 2U, 64U, 8U})),
        table_(HashKey{choices.below(256), 7}, hash_bits_) {}

  void run() {
    while (!choices_.is_done()) {
      const RouteTable::Worker worker = choices_.of({0U, 1U, 63U});
      switch (choices_.below(8)) {
        case 0:
        case 1:
        case 2: add(some_filter(choices_), worker); break;
        case 3: add(odd_filter(), worker); break;
        case 4: remove(some_filter(choices_), worker); break;
        case 5:
          if (!model_.empty()) remove(first_after(some_filter(choices_)).first, worker);
          break;
        default: match(some_topic(choices_)); break;
      }
    }
    while (!model_.empty()) remove(model_.begin()->first, model_.begin()->second);
    demand(table_.fingerprints() == 0 && table_.shapes() == 0 && table_.wide() == 0, "not empty");
    demand(table_.match("a") == 0, "an empty table matches");
  }

 private:
  using Entry = std::pair<std::string, RouteTable::Worker>;

  // One of many shapes.
  std::string odd_filter() {
    std::string filter = choices_.one_in(2) ? "a" : "+";
    for (std::uint32_t more = choices_.below(9); more > 0; --more) filter.append(choices_.one_in(2) ? "/a" : "/+");
    return choices_.one_in(2) ? filter : filter + "/#";
  }
  [[nodiscard]] const Entry& first_after(const std::string& filter) const {
    const auto found = model_.lower_bound({filter, 0});
    return found == model_.end() ? *model_.begin() : *found;
  }
  void add(const std::string& filter, RouteTable::Worker worker) {
    if (model_.emplace(filter, worker).second) table_.add(filter, worker);
  }
  void remove(std::string filter, RouteTable::Worker worker) {
    if (model_.erase({filter, worker}) != 0) table_.remove(filter, worker);
  }
  void match(const std::string& topic) {
    RouteTable::Mask wanted = 0;
    for (const auto& [filter, worker] : model_) {
      if (naive_matches(filter, topic)) wanted |= RouteTable::Mask{1} << worker;
    }
    const RouteTable::Mask found = table_.match(topic);
    demand((found & wanted) == wanted, "a route is missing");
    if (hash_bits_ == 64 && table_.wide() == 0) demand(found == wanted, "a route too many");
  }

  Choices& choices_;
  unsigned hash_bits_;
  RouteTable table_;
  std::set<Entry> model_;
};

}  // namespace holdfast::broker

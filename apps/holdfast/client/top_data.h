// apps/holdfast/client/top_data.h: what `top` shows: two looks at a process, and what lies between them.
//
// Thread: pure, but for take_sample(), which asks the process: 3 questions and one for each pool.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/table.h"

namespace holdfast::app {

// One look.
struct Sample {
  std::chrono::steady_clock::time_point at;
  boost::json::value status;
  boost::json::value listeners;
  boost::json::value pools;
  std::vector<std::pair<std::string, boost::json::value>> servers;  // by pool
};
[[nodiscard]] Sample take_sample(const Client& client);

enum class Sort : std::uint8_t { connections, rate, slow, state, name };
[[nodiscard]] const char* name(Sort sort) noexcept;
[[nodiscard]] Sort next(Sort sort) noexcept;
// False when there is no such order.
[[nodiscard]] bool parse_sort(const std::string& text, Sort& sort) noexcept;

// A line of a section, and what it is sorted by.
struct TopRow {
  std::string name;
  double connections = 0;
  double rate = 0;            // new connections a second
  double slow_seconds = -1;   // of a connect; negative: not known
  double check_seconds = -1;  // of the last health check
  int trouble = 0;            // the larger the worse
  std::vector<Cell> cells;
};

struct TopData {
  std::vector<TopRow> listeners, pools, servers;
  std::vector<std::pair<std::string, double>> refused;  // by reason, a second; the most first
  boost::json::value status;
  double accepted = 0, ended = 0;       // connections a second
  double to_server = 0, to_client = 0;  // bytes a second
  double refused_total = 0;             // since the start
};

// `older` and `newer` may be the same look: all rates are 0 then. A count that went down (a new process) is not a rate.
[[nodiscard]] TopData compare(const Sample& older, const Sample& newer);
void sort_rows(std::vector<TopRow>& rows, Sort sort);

}  // namespace holdfast::app

#include "entry/connection_query.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::entry {
namespace {

// What is less comes first.
double rank(const ConnectionInfo& info, ConnectionSort sort) {
  switch (sort) {
    case ConnectionSort::id: break;
    case ConnectionSort::age: return -info.age_seconds;
    case ConnectionSort::idle: return -info.idle_seconds;
    case ConnectionSort::bytes: return -static_cast<double>(info.bytes_from_client + info.bytes_from_server);
  }
  return 0;
}

}  // namespace

ConnectionPage merged(ConnectionPage one, ConnectionPage other, const ConnectionQuery& query) {
  ConnectionPage page;
  page.busy = one.busy || other.busy;
  page.matched = one.matched + other.matched;
  const auto before = [&query](const ConnectionInfo& a, const ConnectionInfo& b) {
    const double rank_a = rank(a, query.sort);
    const double rank_b = rank(b, query.sort);
    return rank_a != rank_b ? rank_a < rank_b : a.id < b.id;
  };
  std::merge(std::move_iterator(one.connections.begin()), std::move_iterator(one.connections.end()),
             std::move_iterator(other.connections.begin()), std::move_iterator(other.connections.end()),
             std::back_inserter(page.connections), before);
  const bool cut = page.connections.size() > query.limit;
  if (cut) page.connections.resize(query.limit);
  const bool more = (cut || one.next || other.next) && query.sort == ConnectionSort::id;
  if (more && !page.connections.empty()) page.next = page.connections.back().id;
  return page;
}

}  // namespace holdfast::entry

#include "node/faces.h"

namespace holdfast::app {
namespace {

gateway::ConnectionQuery::Sort sort_of(admin::ConnectionsQuery::Sort sort) {
  using From = admin::ConnectionsQuery::Sort;
  using To = gateway::ConnectionQuery::Sort;
  switch (sort) {
    case From::age: return To::age;
    case From::idle: return To::idle;
    case From::bytes: return To::bytes;
    case From::id: break;
  }
  return To::id;
}

std::optional<std::chrono::milliseconds> milliseconds(const std::optional<config::Duration>& duration) {
  return duration ? std::optional(config::milliseconds(*duration)) : std::nullopt;
}

gateway::ConnectionQuery query_of(const admin::ConnectionsQuery& from) {
  gateway::ConnectionQuery query;
  query.listener = from.listener;
  query.pool = from.pool;
  query.server = from.server;
  query.address = from.address;
  query.min_age = milliseconds(from.min_age);
  query.min_idle = milliseconds(from.min_idle);
  query.min_bytes = from.min_bytes;
  query.sort = sort_of(from.sort);
  query.limit = from.limit;
  query.after = from.after;
  query.asker = from.asker;
  return query;
}

admin::ConnectionView view_of(gateway::ConnectionInfo& from) {
  return {.id = from.id,
          .client = std::move(from.client),
          .listener = std::move(from.listener),
          .pool = std::move(from.pool),
          .server = std::move(from.server),
          .server_address = std::move(from.server_address),
          .stage = std::move(from.stage),
          .age_seconds = from.age_seconds,
          .idle_seconds = from.idle_seconds,
          .bytes_from_client = from.bytes_from_client,
          .bytes_from_server = from.bytes_from_server,
          .connect_seconds = from.connect_seconds,
          .worker = from.worker};
}

admin::ConnectionPage page_of(gateway::ConnectionPage from) {
  admin::ConnectionPage page;
  for (gateway::ConnectionInfo& each : from.connections) page.connections.push_back(view_of(each));
  page.next = from.next;
  page.matched = from.matched;
  page.busy = from.busy;
  return page;
}

}  // namespace

void add_connection_faces(admin::Faces& faces, gateway::Gateway& gateway) {
  faces.find_connections = [&gateway](const admin::ConnectionsQuery& query,
                                      std::function<void(admin::ConnectionPage)> answer) {
    gateway.find_connections(query_of(query), [answer = std::move(answer)](gateway::ConnectionPage page) {
      answer(page_of(std::move(page)));
    });
  };
  faces.close_connection = [&gateway](std::uint64_t id, std::function<void(bool)> answer) {
    gateway.close_connection(id, std::move(answer));
  };
}

}  // namespace holdfast::app

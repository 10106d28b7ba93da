// Connections: found, and closed one by one, those of the broker also by the name of their client.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "admin/awaited.h"
#include "admin/connection_json.h"
#include "admin/connection_query.h"
#include "admin/parts.h"
#include "admin/routes.h"
#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::Method;
using control::Request;
using control::Response;
using control::Task;

Response too_late() { return control::problem(504, "the workers have not answered within 5 s"); }

Response too_many() {
  Response response = control::problem(503, "too many searches at once; try again");
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

Task<Response> find(FacesPtr faces, Request request) {
  auto wanted = read_connections_query(request, *faces);
  if (!wanted) co_return wanted.problem();
  const auto asker = std::make_shared<char>();  // gone with this coroutine: then the workers need not look on
  wanted->asker = asker;
  std::function<void(std::function<void(entry::ConnectionPage)>)> ask =
      [&](std::function<void(entry::ConnectionPage)> answer) { faces->find_connections(*wanted, std::move(answer)); };
  const std::optional<entry::ConnectionPage> page = co_await awaited<entry::ConnectionPage>(std::move(ask), kPatience);
  if (!page) co_return too_late();
  co_return page->busy ? too_many() : control::json_response(to_json(*page));
}

std::optional<std::uint64_t> parse_id(const std::string& text) {
  std::uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  return error == std::errc() && stop == end ? std::optional(id) : std::nullopt;
}

Response closed(bool found, const std::string& what) {
  if (!found) return control::problem(404, "there is no " + what);
  Response response;
  response.status = 204;
  return response;
}

Task<Response> close(FacesPtr faces, Request request) {
  const auto id = parse_id(request.path_parameter("id"));
  if (!id) co_return control::problem(400, "the id of a connection is a whole number, as GET /v1/connections shows it");
  std::function<void(std::function<void(bool)>)> ask = [&](std::function<void(bool)> answer) {
    faces->close_connection(*id, std::move(answer));
  };
  const std::optional<bool> found = co_await awaited<bool>(std::move(ask), kPatience);
  co_return found ? closed(*found, fmt::format("connection {}", *id)) : too_late();
}

Task<Response> close_client(FacesPtr faces, Request request) {
  const std::string client_id = request.path_parameter("client_id");
  std::function<void(std::function<void(bool)>)> ask = [&](std::function<void(bool)> answer) {
    faces->close_client(client_id, std::move(answer));
  };
  const std::optional<bool> found = co_await awaited<bool>(std::move(ask), kPatience);
  co_return found ? closed(*found, fmt::format("client \"{}\"", control::printable(client_id))) : too_late();
}

}  // namespace

void add_connection_routes(Api& api, const FacesPtr& faces) {
  using TaskHandler = control::Router::TaskHandler;
  if (faces->find_connections) {
    api.add(Method::get, "/v1/connections", kConnectionParameters,
            TaskHandler([faces](Request request) { return find(faces, std::move(request)); }));
  }
  if (faces->close_connection) {
    api.add(Method::del, "/v1/connections/{id}", {},
            TaskHandler([faces](Request request) { return close(faces, std::move(request)); }));
  }
  if (faces->close_client) {
    api.add(Method::del, "/v1/clients/{client_id}", {},
            TaskHandler([faces](Request request) { return close_client(faces, std::move(request)); }));
  }
}

}  // namespace holdfast::admin

// admin/test_faces.h: for tests: faces with nothing behind them but values, and a client of the routes.
#pragma once

#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "admin/routes.h"

namespace holdfast::admin {

// Answers with what a test puts here, and keeps what it was asked for.
struct Fakes {
  Fakes() {
    status.listeners.push_back({.name = "mqtt"});
    gateway::ListenerStatus& listener = status.listeners.back();
    listener.state = "accepting";
    listener.pool = "brokers";
    listener.addresses = {"127.0.0.1:1883"};
    listener.connect_buckets.resize(13);
    status.pools.push_back({.name = "brokers", .policy = "least_connections"});
    for (const char* name : {"b1", "b2"}) {
      status.pools[0].servers.push_back({.pool = "brokers", .name = name, .address = "10.0.0.1:1883", .state = "UP"});
    }
    status.workers.resize(2);
    for (gateway::WorkerStatus& worker : status.workers) worker.turn_buckets.resize(10);
    node.name = "edge-1";
    node.phase = Phase::serving;
  }

  // What reading shows, and no commands.
  [[nodiscard]] Faces reading() {
    Faces faces;
    faces.node = [this] { return node; };
    faces.status = [this] { return status; };
    if (broker) faces.broker = [this] { return *broker; };
    faces.http = [this] { return std::vector<const control::HttpCounters*>{&http}; };
    return faces;
  }

  [[nodiscard]] Faces all() {
    Faces faces = reading();
    faces.alarms = [this] { return alarms; };
    faces.runtime_differences = [this] { return differences; };
    faces.events = [](const control::Request&) {
      return control::Response{.content_type = "text/event-stream", .body = ": none\n\n"};
    };
    add_commands(faces);
    faces.find_connections = [this](entry::ConnectionQuery query, std::function<void(entry::ConnectionPage)> answer) {
      queries.push_back(std::move(query));
      answer(page);
    };
    faces.close_client = [this](const std::string& client_id, std::function<void(bool)> answer) {
      answer(client_id == living_client);
    };
    faces.close_connection = [this](std::uint64_t id, std::function<void(bool)> answer) { answer(id == living); };
    return faces;
  }

  gateway::Status status;
  NodeInfo node;
  std::optional<broker::Status> broker;  // none: the process has none
  control::HttpCounters http;
  boost::json::object alarms{{"active", boost::json::array()}, {"cleared", boost::json::array()}};
  std::vector<RuntimeDifference> differences;
  std::optional<Refusal> refusal;  // of every command
  Outcome<ReloadReport> reload_answer;
  entry::ConnectionPage page;
  std::uint64_t living = 7;           // the one connection that can be closed
  std::string living_client = "c/1";  // and the one client

  // What was asked for, one line a command: "drain rate=5/s deadline=1m".
  std::vector<std::string> commands;
  std::vector<entry::ConnectionQuery> queries;
  std::vector<gateway::ServerChange> patches;
  std::vector<config::Server> added;
  std::vector<ReloadOrder> orders;

 private:
  static std::string text(const DrainRequest& drain) {
    std::string text;
    if (drain.rate) text += " rate=" + base::to_text(*drain.rate);
    if (drain.deadline) text += " deadline=" + base::to_text(*drain.deadline);
    if (drain.wait) text += " wait=" + base::to_text(*drain.wait);
    return text;
  }
  template <typename T = Done>
  Outcome<T> hear(std::string command, T answer = {}) {
    commands.push_back(std::move(command));
    if (refusal) return *refusal;
    return answer;
  }

  void add_commands(Faces& faces) {
    faces.reload = [this](ReloadOrder order, std::function<void(Outcome<ReloadReport>)> answer) {
      orders.push_back(order);
      answer(reload_answer);
    };
    faces.drain = [this](const DrainRequest& drain) { return hear("drain" + text(drain)); };
    faces.resume = [this] { return hear("resume"); };
    faces.drain_listener = [this](const std::string& name, const DrainRequest& drain) {
      return hear("drain " + name + text(drain));
    };
    faces.ready_listener = [this](const std::string& name) { return hear("ready " + name); };
    faces.change_server = [this](const std::string& pool, const std::string& server,
                                 const gateway::ServerChange& patch) {
      patches.push_back(patch);
      return hear("change " + pool + "/" + server +
                  text(DrainRequest{.rate = patch.rate, .deadline = patch.deadline, .wait = {}}));
    };
    faces.add_server = [this](const std::string& pool, const config::Server& server) {
      added.push_back(server);
      if (!refusal) {
        status.pools[0].servers.push_back({.pool = pool, .name = server.name, .address = server.address.text()});
      }
      return hear("add " + pool + "/" + server.name);
    };
    faces.remove_server = [this](const std::string& pool, const std::string& server) {
      return hear("remove " + pool + "/" + server, Removal{3, "drain"});
    };
  }
};

// Asks a router as a client does.
class Client {
 public:
  explicit Client(Faces faces) : router_(routes(std::move(faces))) {}

  control::Response get(std::string target) { return ask(control::Method::get, std::move(target)); }

  control::Response ask(control::Method method, std::string target, std::string body = "",
                        std::string content_type = "application/json") {
    control::Request request;
    request.method = method;
    const auto parsed = control::parse_target(target);
    request.path = parsed->path;
    request.query = parsed->query;
    request.body = std::move(body);
    if (!content_type.empty()) request.headers.push_back({"content-type", std::move(content_type)});
    return run(router_.handle(std::move(request)));
  }

 private:
  static control::Response run(control::Task<control::Response> task) {
    boost::asio::io_context context;
    auto response = boost::asio::co_spawn(context, std::move(task), boost::asio::use_future);
    context.run();
    return response.get();
  }

  control::Router router_;
};

inline boost::json::value json_of(const control::Response& response) { return boost::json::parse(response.body); }

// {"known": [...]} of a problem, as one text: "a b".
inline std::string known_of(const control::Response& response) {
  const boost::json::value problem = json_of(response);
  std::string text;
  for (const auto& each : problem.at("known").as_array()) {
    text += (text.empty() ? "" : " ") + std::string(each.as_string());
  }
  return text;
}

inline std::string detail_of(const control::Response& response) {
  return std::string(json_of(response).at("detail").as_string());
}

}  // namespace holdfast::admin

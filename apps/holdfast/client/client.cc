#include "client/client.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/units.h"
#include "client/fields.h"
#include "client/table.h"
#include "control/guard.h"
#include "control/http_client.h"
#include "control/json.h"
#include "control/token_file.h"
#include "man_page.h"

namespace holdfast::app {
namespace {

constexpr const char* kSocket = "/run/holdfast/admin.sock";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT: nothing in a command changes the environment
  return value == nullptr ? "" : value;
}

std::string without_space_at_end(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

// From the file, or else from the environment; empty when there is none.
std::string read_token(const std::string& file) {
  if (file.empty()) {
    std::string token = environment("HOLDFAST_TOKEN");
    if (token.empty() || control::is_bearer_token(token)) return token;
    throw CommandFailed(kUsageOrFaults, "HOLDFAST_TOKEN is not a bearer token: letters, digits and -._~+/");
  }
  try {
    return control::read_token_file(file);
  } catch (const std::runtime_error& error) {
    throw CommandFailed(kUsageOrFaults, error.what());
  }
}

std::string choose_where(const Access& access) {
  if (!access.admin.empty()) return access.admin;
  if (!access.socket.empty()) return access.socket;
  const std::string socket = environment("HOLDFAST_SOCKET");
  return socket.empty() ? kSocket : socket;
}

CommandFailed failed(const control::HttpClient& http, const base::Error& error) {
  switch (control::unanswered(error)) {
    case control::Unanswered::not_allowed:
      return {kNotAllowed, http.explain(error) + " (admin.socket_mode and admin.socket_group say who may)"};
    case control::Unanswered::nobody:
      return {kNobodyAnswers, http.explain(error) + ": does the process run? --socket PATH or --admin URL say where"};
    case control::Unanswered::timeout:
    case control::Unanswered::broken: return {kNobodyAnswers, http.explain(error)};
    case control::Unanswered::not_http: break;
  }
  return {kFailed, http.explain(error)};
}

base::Endpoint endpoint_of(const Access& access, const std::string& where) {
  const auto endpoint =
      access.admin.empty() ? base::parse_endpoint("unix:" + where) : control::parse_api_url(access.admin);
  if (!endpoint) throw CommandFailed(kUsageOrFaults, where + ": " + endpoint.error().text());
  return *endpoint;
}

std::unique_ptr<control::HttpClient> make_http(const Access& access, const std::string& where) {
  control::HttpClientOptions options;
  options.token = read_token(access.token_file);
  options.timeout = std::chrono::ceil<std::chrono::milliseconds>(access.timeout);
  return std::make_unique<control::HttpClient>(endpoint_of(access, where), options);
}

// A fault of a configuration file: a text, or an object that says it in parts.
std::string fault_text(const boost::json::value& fault) {
  if (fault.is_string()) return clean(text_at(fault, ""));
  if (!text_at(fault, "text").empty()) return clean(text_at(fault, "text"));
  std::string text;
  for (const char* part : {"file", "line", "column"}) {
    if (is_there(fault, part)) text += text_at(fault, part) + ":";
  }
  return clean(text + (text.empty() ? "" : " ") + text_at(fault, is_there(fault, "message") ? "message" : "detail"));
}

std::string joined(const boost::json::array& names) {
  std::string text;
  for (const boost::json::value& name : names) text += (text.empty() ? "" : ", ") + clean(text_at(name, ""));
  return text;
}

CommandFailed refusal(const std::string& where, unsigned status, const boost::json::value& problem) {
  std::string text;
  for (const boost::json::value& fault : list_at(problem, "faults")) text += fault_text(fault) + "\n";
  const std::string detail = text_at(problem, "detail");
  const std::string title = text_at(problem, "title");
  text += clean(!detail.empty() ? detail : !title.empty() ? title : fmt::format("status {}", status));
  if (const auto& known = list_at(problem, "known"); !known.empty()) text += "; there is: " + joined(known);
  if (status != 401 && status != 403) return {kFailed, text};
  return {kNotAllowed,
          fmt::format("{}: not allowed: {} (--token-file FILE, or HOLDFAST_TOKEN, gives the token)", where, text)};
}

// Null when it is none.
boost::json::value json_of(const control::HttpAnswer& answer) {
  auto json = control::parse_json(answer.body);
  return json ? *json : boost::json::value();
}

Reply judged(const std::string& where, const control::HttpAnswer& answer) {
  if (answer.status < 200 || answer.status >= 300) throw refusal(where, answer.status, json_of(answer));
  if (answer.body.empty()) return {};
  auto json = control::parse_json(answer.body);
  if (!json) throw CommandFailed(kFailed, fmt::format("{}: the answer is not JSON; is this Holdfast?", where));
  return {answer.body, std::move(*json)};
}

}  // namespace

void add_access(CLI::App& command, Access& access) {
  command.add_flag("--json", access.json, "the answer of the API as it is");
  auto* const socket =
      command
          .add_option("--socket", access.socket,
                      fmt::format("the admin socket of the process (default: HOLDFAST_SOCKET, or {})", kSocket))
          ->type_name("PATH")
          ->group(kProcessOptions);
  command.add_option("--admin", access.admin, "the admin address instead, like http://127.0.0.1:9100")
      ->type_name("URL")
      ->group(kProcessOptions)
      ->excludes(socket)
      ->check([](const std::string& url) {
        return url.starts_with("http://") && url.size() > 7 ? "" : "must be like http://127.0.0.1:9100";
      });
  command.add_option("--token-file", access.token_file, "file with the bearer token (default: HOLDFAST_TOKEN is one)")
      ->type_name("FILE")
      ->group(kProcessOptions);
  command
      .add_option_function<std::string>(
          "--timeout",
          [&access](const std::string& text) {
            const auto time = base::parse_duration(text);
            if (!time || *time < std::chrono::milliseconds{1} || *time > std::chrono::hours{1})
              throw CLI::ValidationError("--timeout", "must be like 500ms or 10s, at most 1h");
            access.timeout = *time;
          },
          "how long an answer may take")
      ->type_name("TIME")
      ->default_str(base::to_text(access.timeout))
      ->group(kProcessOptions);
}

Client::Client(const Access& access) : where_(choose_where(access)), http_(make_http(access, where_)) {}

Client::~Client() = default;

Reply Client::ask(control::Method method, const std::string& path) const { return send(method, path, ""); }

Reply Client::ask(control::Method method, const std::string& path, const boost::json::object& body) const {
  return send(method, path, boost::json::serialize(body));
}

Reply Client::send(control::Method method, const std::string& path, std::string body) const {
  const auto answer = http_->ask(method, path, std::move(body));
  if (!answer) throw failed(*http_, answer.error());
  return judged(where_, *answer);
}

void Client::stream(const std::string& path, const std::function<bool(std::string_view)>& on_text) const {
  const auto answer = http_->stream(path, {}, [&on_text](std::string_view text) {
    return on_text(text) ? control::Continue::yes : control::Continue::no;
  });
  if (!answer) throw failed(*http_, answer.error());
  if (answer->status != 200) throw refusal(where_, answer->status, json_of(*answer));
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  throw CommandFailed(kFailed, fmt::format("standard output: {}", std::strerror(errno)));
}

void print_reply(const Reply& reply) {
  if (!reply.text.empty()) print(without_space_at_end(reply.text) + "\n");
}

int run_command(std::string_view name, const std::function<void()>& work) {
  try {
    work();
    return kDone;
  } catch (const CommandFailed& failure) {
    fmt::print(stderr, "holdfast {}: {}\n", name, failure.what());
    return failure.status();
  }
}

}  // namespace holdfast::app

// apps/holdfast/client/client.h: how a command asks a running process, and what it says when that fails.
//
// Thread: the main one of a command. Every call blocks it, at most for the time that --timeout gives.
// Errors: a command that cannot go on throws CommandFailed; run_command() says why and gives the exit status.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "commands.h"
#include "control/http_client.h"
#include "control/http_message.h"

namespace holdfast::app {

// The way to a process, and how its answers are shown, as the user typed it.
struct Access {
  std::string socket;
  std::string admin;
  std::string token_file;
  std::chrono::microseconds timeout = std::chrono::seconds{10};
  bool json = false;
};

// Adds --socket, --admin, --token-file, --timeout and --json.
void add_access(CLI::App& command, Access& access);

class CommandFailed : public std::runtime_error {
 public:
  CommandFailed(ExitStatus status, const std::string& why) : std::runtime_error(why), status_(status) {}
  [[nodiscard]] ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

// What the process answered.
struct Reply {
  std::string text;  // as it came
  boost::json::value json;
};

class Client {
 public:
  // Reads the token. Throws CommandFailed.
  explicit Client(const Access& access);

  ~Client();

  // `path` is encoded already, by control::encode_percent(). An answer that is no success throws, with the words of the
  // process.
  [[nodiscard]] Reply get(const std::string& path) const { return ask(control::Method::get, path); }
  [[nodiscard]] Reply ask(control::Method method, const std::string& path) const;
  [[nodiscard]] Reply ask(control::Method method, const std::string& path, const boost::json::object& body) const;
  // Until `on_text` returns false, or the process ends the stream.
  void stream(const std::string& path, const std::function<bool(std::string_view)>& on_text) const;

  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  [[nodiscard]] Reply send(control::Method method, const std::string& path, std::string body) const;

  std::string where_;  // path of the socket, or URL
  std::unique_ptr<control::HttpClient> http_;
};

// Writes to standard output. Throws CommandFailed when that is not possible.
void print(std::string_view text);
// The API's answer as it is, and an end of line.
void print_reply(const Reply& reply);

// Does what a command does, and says on standard error what failed.
[[nodiscard]] int run_command(std::string_view name, const std::function<void()>& work);

}  // namespace holdfast::app

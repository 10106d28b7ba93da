// holdfast top: a live view of a running process, in a terminal.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "base/units.h"
#include "client/client.h"
#include "client/terminal.h"
#include "client/top_data.h"
#include "client/top_frame.h"

namespace holdfast::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPageRows = 10;

struct Options {
  Access access;
  std::chrono::milliseconds interval{1000};
  Sort sort = Sort::connections;
  bool once = false;
};

// The last two looks, and what went wrong since.
class Looks {
 public:
  explicit Looks(const Client& client) : client_(client), older_(take_sample(client)), newer_(older_) {}

  // A process that does not answer for a while (it may be restarted) is no reason to end.
  void take() {
    try {
      Sample sample = take_sample(client_);
      older_ = std::exchange(newer_, std::move(sample));
      trouble_.clear();
    } catch (const CommandFailed& failure) {
      trouble_ = failure.what();
    }
  }
  [[nodiscard]] TopData data() const { return compare(older_, newer_); }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  const Client& client_;
  Sample older_, newer_;
  std::string trouble_;
};

void print_once(const Options& options) {
  const Client client(options.access);
  Looks looks(client);
  std::this_thread::sleep_for(options.interval);
  looks.take();
  if (!looks.trouble().empty()) throw CommandFailed(kNobodyAnswers, looks.trouble());
  View view;
  view.sort = options.sort;
  view.help = false;
  const TopData data = looks.data();
  const Size size{std::max<std::size_t>(Terminal::size().columns, 80),
                  9 + data.listeners.size() + data.pools.size() + data.servers.size()};
  for (const std::string& line : make_frame(data, view, size, paint_of_output(), "")) print(line + "\n");
}

// One look, as it came: rates are for whoever takes two.
void print_json(const Options& options) {
  Sample sample = take_sample(Client(options.access));
  boost::json::object servers;
  for (auto& [pool, list] : sample.servers) servers[pool] = std::move(list);
  print(boost::json::serialize(boost::json::object{{"status", std::move(sample.status)},
                                                   {"listeners", std::move(sample.listeners)},
                                                   {"pools", std::move(sample.pools)},
                                                   {"servers", std::move(servers)}}) +
        "\n");
}

// What a key does to the view. False: it is the end.
bool press(View& view, Key key) {
  const auto focus = [&view](Section section) {
    view.focus = section;
    view.offset = 0;
  };
  switch (key) {
    case Key::quit: return false;
    case Key::sort: view.sort = next(view.sort); break;
    case Key::listeners: focus(Section::listeners); break;
    case Key::pools: focus(Section::pools); break;
    case Key::servers: focus(Section::servers); break;
    case Key::up: view.offset -= std::min<std::size_t>(view.offset, 1); break;
    case Key::down: ++view.offset; break;
    case Key::page_up: view.offset -= std::min(view.offset, kPageRows); break;
    case Key::page_down: view.offset += kPageRows; break;
    case Key::pause: view.paused = !view.paused; break;
    case Key::resize:
    case Key::none: break;
  }
  return true;
}

std::chrono::milliseconds until(Clock::time_point due) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

void run_live(const Options& options) {
  const Client client(options.access);
  Looks looks(client);  // before the terminal is taken: a wrong address is said where it can be read
  Terminal terminal;
  View view;
  view.sort = options.sort;
  const Paint paint = paint_of_output();
  Clock::time_point due = Clock::now() + options.interval;
  while (true) {
    terminal.show(make_frame(looks.data(), view, Terminal::size(), paint, looks.trouble()));
    if (!press(view, terminal.wait(until(due)))) return;
    if (Clock::now() < due) continue;
    if (!view.paused) looks.take();
    due = Clock::now() + options.interval;
  }
}

void add_view_options(CLI::App& command, Options& options) {
  command
      .add_option_function<std::string>(
          "--interval",
          [&options](const std::string& text) {
            const auto time = base::parse_duration(text);
            if (!time || *time < std::chrono::milliseconds{100} || *time > std::chrono::minutes{1})
              throw CLI::ValidationError("--interval", "must be like 500ms or 5s, 100ms to 1m");
            options.interval = std::chrono::ceil<std::chrono::milliseconds>(*time);
          },
          "how often to look")
      ->type_name("TIME")
      ->default_str("1s");
  command
      .add_option_function<std::string>(
          "--sort",
          [&options](const std::string& text) {
            if (!parse_sort(text, options.sort))
              throw CLI::ValidationError("--sort", "must be connections, rate, slow, state or name");
          },
          "what comes first")
      ->type_name("connections|rate|slow|state|name")
      ->default_str("connections");
  command.add_flag("--once", options.once, "print one picture, with the rates of one interval, and end");
}

}  // namespace

void add_top_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  options->access.timeout = std::chrono::seconds{2};  // keys are not heard while an answer is waited for
  CLI::App* command = program.add_subcommand("top", "Live view: listeners, pools, servers, rates, slowest, refused");
  add_view_options(*command, *options);
  add_access(*command, options->access);
  command->footer(
      "Keys: q quit, s next order, l p v listeners pools servers get the room, arrows or j k and page keys scroll,\n"
      "space stops and goes on.\n"
      "\n"
      "Examples:\n"
      "  holdfast top\n"
      "  holdfast top --sort slow --interval 5s\n"
      "  holdfast top --once | grep brokers/\n"
      "  holdfast top --json | jq .servers");
  command->callback([options, &status] {
    status = run_command("top", [&options] {
      if (options->access.json) return print_json(*options);
      if (options->once) return print_once(*options);
      run_live(*options);
    });
  });
}

}  // namespace holdfast::app

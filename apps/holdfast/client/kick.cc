// holdfast kick: end connections, one by one.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "client/client.h"

namespace holdfast::app {
namespace {

struct Options {
  Access access;
  std::vector<std::uint64_t> ids;
};

// Each is tried, also after one that is not there.
void kick_command(const Options& options) {
  const Client client(options.access);
  boost::json::array closed;
  boost::json::array failed;
  for (const std::uint64_t id : options.ids) {
    try {
      (void)client.ask(control::Method::del, fmt::format("/v1/connections/{}", id));
      closed.push_back(id);
      if (!options.access.json) print(fmt::format("connection {}: closed\n", id));
    } catch (const CommandFailed& failure) {
      if (failure.status() != kFailed) throw;
      fmt::print(stderr, "holdfast kick: connection {}: {}\n", id, failure.what());
      failed.push_back(id);
    }
  }
  const std::size_t missed = failed.size();
  if (options.access.json) {
    print(boost::json::serialize(boost::json::object{{"closed", std::move(closed)}, {"failed", std::move(failed)}}) +
          "\n");
  }
  if (missed > 0 && options.ids.size() > 1)
    throw CommandFailed(kFailed, fmt::format("{} of {} were not closed", missed, options.ids.size()));
  if (missed > 0) throw CommandFailed(kFailed, "not closed");
}

}  // namespace

void add_kick_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("kick", "Close connections, by the ids that connections shows");
  command->add_option("ID", options->ids, "one or more")->required()->type_name("");
  add_access(*command, options->access);
  command->footer(
      "What is under way is delivered first, then both ends see the connection end.\n"
      "\n"
      "Examples:\n"
      "  holdfast kick 184467\n"
      "  holdfast connections --address 10.1.2.3 --json | jq -r '.connections[].id' | xargs holdfast kick");
  command->callback([options, &status] { status = run_command("kick", [&options] { kick_command(*options); }); });
}

}  // namespace holdfast::app

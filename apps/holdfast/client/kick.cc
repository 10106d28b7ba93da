// holdfast kick: end connections, one by one.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/table.h"

namespace holdfast::app {
namespace {

struct Options {
  Access access;
  std::vector<std::uint64_t> ids;
  std::vector<std::string> client_ids;
};

// One that is to be ended: what it is called, and where.
struct Target {
  boost::json::value name;  // the id, or the client id
  std::string shown;
  std::string path;
};

std::vector<Target> targets_of(const Options& options) {
  std::vector<Target> targets;
  for (const std::uint64_t id : options.ids)
    targets.push_back({id, fmt::format("connection {}", id), fmt::format("/v1/connections/{}", id)});
  for (const std::string& client_id : options.client_ids)
    targets.push_back({boost::json::value(client_id), "client " + clean(client_id),
                       "/v1/clients/" + control::encode_percent(client_id)});
  return targets;
}

// Each is tried, also after one that is not there.
void kick_command(const Options& options) {
  const std::vector<Target> targets = targets_of(options);
  if (targets.empty()) throw CommandFailed(kUsageOrFaults, "say whom: ids, or --client-id");
  const Client client(options.access);
  boost::json::array closed;
  boost::json::array failed;
  for (const Target& target : targets) {
    try {
      (void)client.ask(control::Method::del, target.path);
      closed.push_back(target.name);
      if (!options.access.json) print(target.shown + ": closed\n");
    } catch (const CommandFailed& failure) {
      if (failure.status() != kFailed) throw;
      fmt::print(stderr, "holdfast kick: {}: {}\n", target.shown, failure.what());
      failed.push_back(target.name);
    }
  }
  const std::size_t missed = failed.size();
  if (options.access.json) {
    print(boost::json::serialize(boost::json::object{{"closed", std::move(closed)}, {"failed", std::move(failed)}}) +
          "\n");
  }
  if (missed > 0 && targets.size() > 1)
    throw CommandFailed(kFailed, fmt::format("{} of {} were not closed", missed, targets.size()));
  if (missed > 0) throw CommandFailed(kFailed, "not closed");
}

}  // namespace

void add_kick_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("kick", "Close connections, by the ids that connections shows, or by client id");
  command->add_option("ID", options->ids, "one or more")->type_name("");
  command->add_option("--client-id", options->client_ids, "the MQTT client of this name; may be given again")
      ->type_name("CLIENT-ID");
  add_access(*command, options->access);
  command->footer(
      "What is under way is delivered first, then both ends see the connection end. A client of the\n"
      "broker is told: DISCONNECT 0x98 in MQTT 5.\n"
      "\n"
      "Examples:\n"
      "  holdfast kick 184467\n"
      "  holdfast kick --client-id sensor-7\n"
      "  holdfast connections --address 10.1.2.3 --json | jq -r '.connections[].id' | xargs holdfast kick");
  command->callback([options, &status] { status = run_command("kick", [&options] { kick_command(*options); }); });
}

}  // namespace holdfast::app

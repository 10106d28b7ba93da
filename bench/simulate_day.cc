// The simulated day, for every policy: a table in markdown. See day.h for what happens in it.
//
//   build/simulate_day [CLIENTS [SERVERS [SEED]]] > bench/DAY.md
#include <cstdio>
#include <cstdlib>
#include <string>

#include "day_plans.h"

namespace holdfast::day {
namespace {

std::string minutes(const std::optional<Seconds>& time) {
  if (!time) return "> next";
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f", time->count() / 60);
  return text;
}

void print_head(const Settings& settings) {
  std::printf("# A day of a pool\n\n");
  std::printf(
      "Made by `build/simulate_day > bench/DAY.md` (build the target `simulate_day`): %u servers, %u clients, seed "
      "%llu, virtual\n"
      "time, the same day for every row. `bench/day.h` says what happens in it and how clients behave.\n\n",
      settings.servers, settings.clients, static_cast<unsigned long long>(settings.seed));
}

void print_evenness(const std::vector<Plan>& plans, const std::vector<Outcome>& outcomes) {
  std::printf(
      "## How even\n\n"
      "Spread is the most loaded server over the mean of those that serve, each 10 s from 01:00 on. Then the minutes "
      "after the end\n"
      "of each event until every server is within 10 %% of the mean; \"> next\": not before the next event.\n\n");
  std::printf(
      "| policy | spread, average | worst | a server joins | all restart | one flaps | one dies for 1 h | one is "
      "removed |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Outcome& day = outcomes[i];
    std::printf("| %s | %.2f | %.2f |", plans[i].name.c_str(), day.spread_average, day.spread_worst);
    for (const auto& settled : day.settled) std::printf(" %s |", minutes(settled).c_str());
    std::printf("\n");
  }
}

void print_floods(const std::vector<Plan>& plans, const std::vector<Outcome>& outcomes) {
  std::printf(
      "\n## Who is flooded\n\n"
      "The most connects that one server got in one second; the same of servers that were back for at most two "
      "minutes; the most of\n"
      "all connects that a server got in its first ten seconds; connections cut by deaths and removal.\n\n");
  std::printf("| policy | flood, connects/s | of a returned server | share in the first 10 s | cuts | connects |\n");
  std::printf("|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Outcome& day = outcomes[i];
    std::printf("| %s | %u | %u | %.0f %% | %llu | %llu |\n", plans[i].name.c_str(), day.flood, day.flood_returned,
                100 * day.returned_share, static_cast<unsigned long long>(day.cuts),
                static_cast<unsigned long long>(day.connects));
  }
}

}  // namespace
}  // namespace holdfast::day

int main(int count, char** arguments) {
  using namespace holdfast::day;
  Settings settings;
  if (count > 1) settings.clients = static_cast<std::uint32_t>(std::strtoul(arguments[1], nullptr, 10));
  if (count > 2) settings.servers = static_cast<std::uint32_t>(std::strtoul(arguments[2], nullptr, 10));
  if (count > 3) settings.seed = std::strtoull(arguments[3], nullptr, 10);
  const std::vector<Plan> plans = all_plans(settings);
  std::vector<Outcome> outcomes;
  for (const Plan& plan : plans) outcomes.push_back(simulate(plan, settings));
  print_head(settings);
  print_evenness(plans, outcomes);
  print_floods(plans, outcomes);
}

#include "admin/reload_json.h"

#include <boost/json.hpp>

#include "base/utf8.h"

namespace holdfast::admin {
namespace {

namespace json = boost::json;
using base::to_utf8;

json::object to_json(const ReloadChange& change) {
  return {{"what", to_utf8(change.what)},      {"change", change.change},         {"key", change.key},
          {"from", to_utf8(change.from)},      {"to", to_utf8(change.to)},        {"applies", change.applies},
          {"connections", change.connections}, {"effect", to_utf8(change.effect)}};
}

json::object to_json(const RuntimeDifference& difference) {
  return {{"what", to_utf8(difference.what)}, {"file", to_utf8(difference.file)}, {"now", to_utf8(difference.now)}};
}

json::object to_json(const RuntimeFate& fate) {
  json::object object = to_json(fate.difference);
  object["kept"] = fate.kept;
  return object;
}

template <typename Thing>
json::array all(const std::vector<Thing>& things) {
  json::array array;
  for (const Thing& each : things) array.push_back(to_json(each));
  return array;
}

}  // namespace

json::object to_json(const ReloadReport& report, ReloadOrder::Run run) {
  return {{"dry_run", run == ReloadOrder::Run::dry},
          {"changed", !report.changes.empty()},
          {"took_seconds", report.took_seconds},
          {"changes", all(report.changes)},
          {"runtime", all(report.runtime)}};
}

json::object config_json(const std::string& file, const std::vector<RuntimeDifference>& differences) {
  return {{"file", to_utf8(file)}, {"runtime", all(differences)}};
}

}  // namespace holdfast::admin

#include "config/process_references.h"

#include <fmt/format.h>

#include "base/units.h"
#include "config/endpoint_kinds.h"

namespace holdfast::config {
namespace {

// What the file has at [section] key, or null.
const Value* written_at(const Value& root, std::string_view section, std::string_view key) {
  const Value* table = root.find(section);
  return table != nullptr ? table->find(key) : nullptr;
}

void check_token(const Admin& admin, const Value& root, Faults& faults) {
  const Value* listen = written_at(root, "admin", "listen");
  const bool is_open = admin.listen && !is_loopback(*admin.listen) && admin.token_file.empty();
  if (listen == nullptr || !is_open) return;
  const Value* token = written_at(root, "admin", "token_file");
  if (token != nullptr && !is_empty_text(*token)) return;  // it has a fault already
  faults.add(listen->position,
             fmt::format("`listen` at {} can be reached by other machines and needs `token_file`; or listen on a "
                         "loopback address, such as \"127.0.0.1:9100\"",
                         quoted(admin.listen->text())));
}

void check_drain(const Node& node, const Value& root, Faults& faults) {
  const Value* wait = written_at(root, "node", "drain_wait");
  if (wait != nullptr && node.drain_wait > node.stop_timeout) {
    faults.add(wait->position, fmt::format("`drain_wait` must not be longer than `stop_timeout`, which is {}",
                                           base::to_text(node.stop_timeout)));
  }
}

}  // namespace

void check_process(const Settings& settings, const Value& root, Faults& faults) {
  check_token(settings.admin, root, faults);
  check_drain(settings.node, root, faults);
}

std::optional<base::Endpoint> admin_socket(const Node& node) {
  if (node.run_dir.empty()) return std::nullopt;
  const char* slash = node.run_dir.ends_with('/') ? "" : "/";
  return base::Endpoint{base::Endpoint::Kind::unix_path, node.run_dir + slash + "admin.sock", 0};
}

}  // namespace holdfast::config

#include "discovery/last_good.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <system_error>

#include "base/units.h"
#include "base/utf8.h"
#include "config/servers.h"
#include "discovery/json_document.h"
#include "discovery/server_list.h"
#include "discovery/source_file.h"

namespace holdfast::discovery {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr std::size_t kCopyBytesMax = std::size_t{64} << 20;

json::object to_json(const config::Server& server) {
  const std::string address = server.address.text();
  json::object object{{"address", address},
                      {"weight", server.weight},
                      {"max_connections", server.max_connections},
                      {"backup", server.backup}};
  if (server.name != address) object["name"] = server.name;  // as a name, an address is only derived
  if (server.max_accept_rate.per_second > 0) object["max_accept_rate"] = base::to_text(server.max_accept_rate);
  return object;
}

// Takes the member `key` out of the table `root`.
std::optional<config::Value> take(config::Value& root, std::string_view key) {
  auto* members = std::get_if<config::Members>(&root.content);
  if (members == nullptr) return std::nullopt;
  const auto found = std::ranges::find(*members, key, &config::Member::key);
  if (found == members->end()) return std::nullopt;
  std::optional<config::Value> value = std::move(found->value);
  members->erase(found);
  return value;
}

std::optional<LastGood> from_json(std::string_view text, config::Faults& faults) {
  auto root = read_json(text, faults);
  if (!root) return std::nullopt;
  const auto source = take(*root, "source");
  const auto applied_at = take(*root, "applied_at");
  auto list = config::read_servers(*root, faults);
  if (!list) return std::nullopt;
  LastGood last_good{"", {std::move(list->servers), std::move(list->version)}, {}};
  if (last_good.list.version.empty()) last_good.list.version = content_version(text);
  if (source && source->as<std::string>() != nullptr) last_good.source = *source->as<std::string>();
  const auto* since = applied_at ? applied_at->as<std::int64_t>() : nullptr;
  constexpr std::int64_t kLatest =
      std::chrono::floor<seconds>(system_clock::time_point::max().time_since_epoch()).count();
  if (since != nullptr && *since > 0 && *since <= kLatest)
    last_good.applied_at = system_clock::time_point(seconds(*since));
  return last_good;
}

base::Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::system_error("write");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd) != 0) return base::system_error("fsync");
  return {};
}

base::Result<void> write_new(const char* path, std::string_view text) {
  ::unlink(path);  // left behind by a process that was killed
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) return base::system_error("open");
  const auto written = write_all(fd, text);
  if (::close(fd) != 0 && written) return base::system_error("close");
  return written;
}

// So that the new name outlives a power cut. File systems that cannot do it are no reason to complain.
void sync_directory(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

std::string to_text(const LastGood& last_good) {
  json::array servers;
  servers.reserve(last_good.list.servers.size());
  for (const config::Server& server : last_good.list.servers) servers.push_back(to_json(server));
  const auto age = std::chrono::duration_cast<seconds>(last_good.applied_at.time_since_epoch());
  const json::object root{{"source", base::to_utf8(last_good.source)},
                          {"applied_at", age.count()},
                          {"version", last_good.list.version},
                          {"servers", std::move(servers)}};
  return json::serialize(root) + "\n";
}

LastGoodCopy parse_last_good(std::string_view text, std::string_view name) {
  config::Faults faults;
  auto last_good = from_json(text, faults);
  if (!last_good) return {std::nullopt, summary(faults.in_file_order(name))};
  if (last_good->list.servers.empty()) return {std::nullopt, "the list has no servers"};
  return {std::move(last_good), ""};
}

base::Result<void> keep(const std::filesystem::path& path, const LastGood& last_good) {
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return base::Error{base::Errc::system, base::Side::internal, error.value(), "mkdir"};
  const std::string fresh = path.native() + ".new";
  if (const auto written = write_new(fresh.c_str(), to_text(last_good)); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const base::Error failed = base::system_error("rename");
    ::unlink(fresh.c_str());
    return failed;
  }
  sync_directory(directory);
  return {};
}

LastGoodCopy read_last_good(const std::filesystem::path& path) {
  const FileText file = read_regular_file(path, kCopyBytesMax);
  if (file.state.error == ENOENT) return {};
  if (!file.text) return {std::nullopt, "cannot be read (" + file.error + ")"};
  return parse_last_good(*file.text, path.native());
}

}  // namespace holdfast::discovery

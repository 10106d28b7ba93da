#include "node/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace holdfast::app {
namespace {

constexpr std::uint32_t kKept = 1U << CAP_NET_BIND_SERVICE;
constexpr int kLowWord = 0;  // of the two that the kernel has: CAP_NET_BIND_SERVICE is in it
constexpr std::string_view kPermitted = "CapPrm:";
static_assert(CAP_NET_BIND_SERVICE < 32);

using Capabilities = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

[[noreturn]] void fail(const std::string& user, const std::string& what) {
  throw std::runtime_error("node.user " + user + ": " + what);
}

void demand(long status, const std::string& user, const char* call) {
  if (status != 0) fail(user, std::string(call) + ": " + std::generic_category().message(errno));
}

passwd find_user(const std::string& name) {
  errno = 0;
  const passwd* found = ::getpwnam(name.c_str());
  if (found == nullptr) fail(name, errno == 0 ? "there is no such user" : std::generic_category().message(errno));
  return *found;
}

bool is(const passwd& user) { return ::geteuid() == user.pw_uid && ::getuid() == user.pw_uid; }

Capabilities capabilities(const std::string& user) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  Capabilities data{};
  demand(::syscall(SYS_capget, &header, data.data()), user, "capget");
  return data;
}

// While it is still root: what no program that is executed later can have, whatever its file says.
void empty_bounding_set(const std::string& user) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability == CAP_NET_BIND_SERVICE) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM) demand(-1, user, "PR_CAPBSET_DROP");
  }
}

void change_ids(const passwd& user) {
  const std::string name = user.pw_name;
  demand(::initgroups(user.pw_name, user.pw_gid), name, "initgroups");
  demand(::setresgid(user.pw_gid, user.pw_gid, user.pw_gid), name, "setresgid");
  demand(::setresuid(user.pw_uid, user.pw_uid, user.pw_uid), name, "setresuid");
}

// A container may have been started without it: then low ports are bound now or never.
void keep_one_capability(const std::string& user) {
  const std::uint32_t kept = capabilities(user)[kLowWord].permitted & kKept;
  Capabilities data{};
  data[kLowWord] = {.effective = kept, .permitted = kept, .inheritable = kept};
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  demand(::syscall(SYS_capset, &header, data.data()), user, "capset");
  if (kept == 0) return;
  demand(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0), user, "PR_CAP_AMBIENT_RAISE");
}

// Of every thread: those that were there before lost theirs with the user id.
std::uint64_t capabilities_of_all_threads() {
  std::uint64_t all = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(kPermitted)) all |= std::stoull(line.substr(kPermitted.size()), nullptr, 16);
    }
  }
  return all;
}

// Trusting the calls above would be enough only if nothing in between could have gone wrong.
void check_there_is_no_way_back(const passwd& user) {
  const bool more = (capabilities_of_all_threads() & ~std::uint64_t{kKept}) != 0;
  const bool back = user.pw_uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0);
  if (more || back) fail(user.pw_name, "the process could still become root");
}

}  // namespace

void renounce_privileges_of_programs(const std::string& name) {
  if (is(find_user(name))) return;
  if (::geteuid() != 0) fail(name, "only root may become another user; start it as root, or as that user");
  empty_bounding_set(name);
  demand(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), name, "PR_SET_NO_NEW_PRIVS");
}

void become_user(const std::string& name) {
  const passwd user = find_user(name);
  if (is(user)) return;
  demand(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), name, "PR_SET_KEEPCAPS");
  change_ids(user);
  keep_one_capability(name);
  check_there_is_no_way_back(user);
}

}  // namespace holdfast::app

#include "config/endpoint_kinds.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPathBytesMax = 1024;

Table<AuthModule> module() {
  return {{
      {"module", choice<AuthModuleKind>({{"file", AuthModuleKind::file}}), &AuthModule::module, kRequired, kRestart,
       "`file`: a file of users."},
      {"path", text(kPathBytesMax), &AuthModule::path, kRequired, kRestart,
       "For `file`: the file, a TOML text with one [[user]] for each; docs/BROKER.md says more."},
  }};
}

Table<AclFile> acl() {
  return {{
      {"path", text(kPathBytesMax), &AclFile::path, kRequired, kRestart,
       "The file, with one rule a line: `allow|deny WHO publish|subscribe|all FILTER...`; docs/BROKER.md says more."},
      {"no_match", choice<AclNoMatch>({{"deny", AclNoMatch::deny}, {"allow", AclNoMatch::allow}}), &AclFile::no_match,
       "deny", kRestart, "What counts where no rule decides."},
      {"when_denied", choice<WhenDenied>({{"ignore", WhenDenied::ignore}, {"disconnect", WhenDenied::disconnect}}),
       &AclFile::when_denied, "ignore", kRestart,
       "What happens to a client that publishes what it may not: `ignore` drops the message, and tells a client of "
       "MQTT "
       "5 so. A subscription that is denied is answered with a refusal in any case."},
  }};
}

}  // namespace

Table<Auth> auth_section() {
  return {{
      {"anonymous", choice<Anonymous>({{"deny", Anonymous::deny}, {"allow", Anonymous::allow}}), &Auth::anonymous,
       "deny", kRestart,
       "What becomes of a client that nothing in the chain knows. The user name of one that is let in like this counts "
       "for nothing, because nobody has vouched for it."},
      {"cache_time", duration_or_zero(1s, 7 * kDay), &Auth::cache_time, "10m", kRestart,
       "For how long a password that was right is known to be, so that clients that come again in a storm do not cost "
       "a hash each. 0s: not at all."},
      {"cache_max", count(1, 10'000'000), &Auth::cache_max, 100'000, kRestart,
       "How many are known like this; about 100 bytes each. Beyond that the oldest are forgotten."},
      {"threads", count(1, 64), &Auth::threads, 2, kRestart,
       "How many threads check passwords. One of bcrypt with cost 10 takes a thread some 50 ms."},
      {"pending_max", count(1, 1'000'000), &Auth::pending_max, 500, kRestart,
       "How many checks may wait for these threads. Further clients are told that the server is busy."},
      {"timeout", duration(10ms, 1h), &Auth::timeout, "5s", kRestart,
       "A client whose check takes longer, waiting included, is told that the server is busy."},
      {"failure_rate_per_address", rate_or_zero(kRateMin, kRateMax), &Auth::failure_rate_per_address, "1/s", kRestart,
       "How many logins with a password may fail of one address (a /64 of IPv6 is one). While it is beyond that, its "
       "clients are refused before anything is checked. 0: no limit."},
      {"failure_burst_per_address", count(0, kConnectionsMax), &Auth::failure_burst_per_address, 30, kRestart,
       "How many may fail at once before `failure_rate_per_address` is felt. 0: what the rate allows in a second, and "
       "at least one."},
      {"failure_exempt", cidrs(), &Auth::failure_exempt, kEmptyList, kRestart,
       "Networks that are never refused like this: balancers that many clients come through and that send no PROXY "
       "header."},
      {"chain", tables(module(), {0, 16}), &Auth::chain, kEmptyList, kRestart,
       "One that is asked who a client is. They are asked in their order until one knows the client."},
      {"acl", optional_table(acl()), &Auth::acl, kNoTable, kRestart,
       "Who may publish and subscribe to what. Without it, whoever is let in may do everything."},
  }};
}

}  // namespace holdfast::config

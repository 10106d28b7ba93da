#include "control/resolve.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <cstring>
#include <memory>
#include <optional>

namespace holdfast::control {
namespace ip = boost::asio::ip;
namespace {

base::Error error_of(int code) {
  constexpr const char* kWhere = "resolve";
  switch (code) {
    case EAI_SYSTEM: return base::system_error(kWhere);
    case EAI_AGAIN:
    case EAI_FAIL: return {base::Errc::unreachable, base::Side::internal, 0, kWhere};
    case EAI_MEMORY: return {base::Errc::exhausted, base::Side::internal, 0, kWhere};
    default: return {base::Errc::not_found, base::Side::internal, 0, kWhere};
  }
}

std::optional<ip::address> address_of(const addrinfo& entry) {
  if (entry.ai_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, entry.ai_addr, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (entry.ai_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, entry.ai_addr, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes, v6.sin6_scope_id);
}

// Blocks for as long as the system's resolver likes.
base::Result<Addresses> resolve_blocking(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once for every type
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code != 0) return error_of(code);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);

  Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto address = address_of(*entry);
    if (address && std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
  }
  if (addresses.empty()) return error_of(EAI_NONAME);
  return addresses;
}

Task<base::Result<Addresses>> yield_address(ip::address address) { co_return Addresses{std::move(address)}; }

}  // namespace

Task<base::Result<Addresses>> resolve(ThreadPool& pool, std::string host, std::chrono::milliseconds timeout) {
  boost::system::error_code not_an_address;
  const ip::address address = ip::make_address(host, not_an_address);
  if (!not_an_address) return yield_address(address);
  return pool.run([host = std::move(host)] { return resolve_blocking(host); }, timeout);
}

}  // namespace holdfast::control

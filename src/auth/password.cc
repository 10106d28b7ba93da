#include "auth/password.h"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace holdfast::auth {
namespace {

struct Method {
  std::string_view prefix;
  std::size_t hash_characters;  // of what is behind the last "$"; bcrypt has salt and hash there
};

constexpr std::array kMethods{Method{"$2a$", 53}, Method{"$2b$", 53}, Method{"$2y$", 53}, Method{"$y$", 43},
                              Method{"$gy$", 43}, Method{"$7$", 43},  Method{"$6$", 86},  Method{"$5$", 43}};

constexpr std::uint32_t kBcryptCost = 10;

//= crypt(5) bcrypt, yescrypt, sha512crypt
bool is_hash_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

struct Wipe {
  void operator()(crypt_data* data) const {
    ::explicit_bzero(data, sizeof *data);
    delete data;
  }
};
using CryptData = std::unique_ptr<crypt_data, Wipe>;

std::string hash_with(std::string_view password, const char* setting) {
  const CryptData data(new crypt_data{});
  std::string phrase(password);
  const char* made = ::crypt_rn(phrase.c_str(), setting, data.get(), sizeof *data);
  ::explicit_bzero(phrase.data(), phrase.size());
  return made != nullptr ? made : "";
}

bool can_be_hashed(std::string_view password) {
  return password.size() <= kPasswordBytesMax && password.find('\0') == std::string_view::npos;
}

const char* prefix_of(HashMethod method) {
  switch (method) {
    case HashMethod::yescrypt: return "$y$";
    case HashMethod::sha512: return "$6$";
    case HashMethod::bcrypt: break;
  }
  return "$2b$";
}

// crypt_checksalt() looks at the prefix only: "$2b$10$".
bool has_good_cost(std::string_view hash) {
  if (!hash.starts_with("$2")) return true;
  const std::string_view cost = hash.substr(4, 3);
  return cost.size() == 3 && cost[2] == '$' && cost >= "04$" && cost <= "31$" && cost[1] >= '0' && cost[1] <= '9';
}

}  // namespace

std::optional<std::string> fault_of_hash(std::string_view hash) {
  const auto starts = [hash](const Method& each) { return hash.starts_with(each.prefix); };
  const auto method = std::ranges::find_if(kMethods, starts);
  if (method == kMethods.end())
    return "a hash of bcrypt, yescrypt, scrypt, SHA-512 or SHA-256, as `holdfast password` makes it";
  const std::string_view last = hash.substr(hash.rfind('$') + 1);
  const bool whole =
      has_good_cost(hash) && last.size() == method->hash_characters && std::ranges::all_of(last, is_hash_character);
  const int salt = ::crypt_checksalt(std::string(hash).c_str());
  const bool known = salt == CRYPT_SALT_OK || salt == CRYPT_SALT_METHOD_LEGACY;
  if (whole && known && hash.find('\0') == std::string_view::npos) return std::nullopt;
  return "a whole hash, as `holdfast password` makes it; a part of this one is missing or wrong";
}

bool verify(std::string_view password, const std::string& hash) {
  const bool good = can_be_hashed(password);
  const std::string made = hash_with(good ? password : std::string_view{}, hash.c_str());
  return equal_in_constant_time(made, hash) && good;
}

base::Result<std::string> make_hash(std::string_view password, HashMethod method, std::uint32_t cost) {
  const bool whole = method != HashMethod::bcrypt || password.size() <= kBcryptBytesMax;
  if (!can_be_hashed(password) || !whole)
    return base::Error{base::Errc::malformed, base::Side::internal, 0, "password"};
  if (cost == 0 && method == HashMethod::bcrypt) cost = kBcryptCost;
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  const char* made = ::crypt_gensalt_rn(prefix_of(method), cost, nullptr, 0, setting.data(), setting.size());
  std::string hash = made != nullptr ? hash_with(password, made) : "";
  if (hash.empty()) return base::Error{base::Errc::unsupported, base::Side::internal, 0, "cost"};
  return hash;
}

}  // namespace holdfast::auth

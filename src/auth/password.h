// auth/password.h: hashes of passwords, as crypt(5) has them.
//
// Known are bcrypt ($2a$, $2b$, $2y$), yescrypt ($y$), gost-yescrypt ($gy$), scrypt ($7$), SHA-512 ($6$) and SHA-256
// ($5$).
//
// Thread: any. Cost: verify() and make_hash() are meant to be slow: bcrypt of cost 10 takes about 50 ms of a core, and
//         one more doubles it; so neither on a worker nor on the control thread. They need 33 kB, yescrypt 16 MiB.
// Source: crypt(3), crypt(5) of libxcrypt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::auth {

// What bcrypt looks at; what is behind it does not count.
inline constexpr std::size_t kBcryptBytesMax = 72;
inline constexpr std::size_t kPasswordBytesMax = 511;

// Nothing when `hash` is one of those; else what is wrong with it. Says nothing of the hash itself.
[[nodiscard]] std::optional<std::string> fault_of_hash(std::string_view hash);

// A password that is longer than kPasswordBytesMax or has a NUL is never right, but takes the same time.
[[nodiscard]] bool verify(std::string_view password, const std::string& hash);

enum class HashMethod : std::uint8_t { bcrypt, yescrypt, sha512 };

// With a salt of its own. `cost` as crypt(5) has it for the method; 0: what is usual.
// Errors: malformed for a password that cannot be hashed as a whole, unsupported for the cost.
[[nodiscard]] base::Result<std::string> make_hash(std::string_view password, HashMethod method, std::uint32_t cost);

}  // namespace holdfast::auth

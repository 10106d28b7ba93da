// control/token_file.h: the bearer token of the admin API, from a file that only its owner can read.
//
// Thread: any; blocks. Errors: std::runtime_error with a text for the operator, which never has any of the token:
//         "token file /etc/holdfast/token: others may read it (mode 0644); chmod 600 makes it right".
// Limits: kTokenBytesMax; one line, with or without its end.
#pragma once

#include <cstddef>
#include <string>

namespace holdfast::control {

inline constexpr std::size_t kTokenBytesMax = 1024;

[[nodiscard]] std::string read_token_file(const std::string& path);

}  // namespace holdfast::control

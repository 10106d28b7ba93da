// config/system_kinds.h: the kinds of values that name what the operating system knows: accounts and permissions.
//
// Thread: as kind.h. Whether an account is there is found out when it is used, not when a file is checked.
#pragma once

#include <string_view>

#include "config/kind.h"

namespace holdfast::config {

// The name of a user or a group; `noun` says which.
[[nodiscard]] Kind<std::string> account(std::string_view noun);
// Permission bits as chmod takes them: "0660". The owner may always read and write.
[[nodiscard]] Kind<std::uint32_t> file_mode();

}  // namespace holdfast::config

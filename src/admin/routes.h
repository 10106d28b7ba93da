// admin/routes.h: what the admin server answers. docs/openapi.yaml says it field by field.
//
// Thread: control. A command answers when it is done, or when what it asked for has begun; one that has to wait for
//         others gives up after kPatience, and the answer is then 504.
#pragma once

#include <chrono>

#include "admin/faces.h"
#include "control/router.h"

namespace holdfast::admin {

inline constexpr std::chrono::seconds kPatience{5};
inline constexpr std::chrono::seconds kReloadPatience{60};

[[nodiscard]] control::Router routes(Faces faces);

}  // namespace holdfast::admin

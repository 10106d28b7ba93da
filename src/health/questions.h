// health/questions.h: what is said on the connection of a probe, one function for each type. Inside the room only.
//
// Thread: control. Errors: all in the outcome. `took` is the caller's to say.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "config/settings.h"
#include "control/task.h"
#include "health/dialogue.h"

namespace holdfast::health {

// Each gets a connection that is open, with the preamble on its way. `server` is the server itself, `asked` the
// endpoint that the connection leads to.
[[nodiscard]] control::Task<Outcome> ask_http(std::shared_ptr<Dialogue> dialogue,
                                              std::shared_ptr<const config::Health> settings, base::Endpoint server,
                                              base::Endpoint asked);
[[nodiscard]] control::Task<Outcome> ask_script(std::shared_ptr<Dialogue> dialogue,
                                                std::shared_ptr<const config::Health> settings, base::Endpoint server);
[[nodiscard]] control::Task<Outcome> read_agent(std::shared_ptr<Dialogue> dialogue,
                                                std::shared_ptr<const config::Health> settings);

// `${host}`, `${port}` and `$$` replaced; any other `$` stands for itself.
[[nodiscard]] std::string expand(std::string_view text, const base::Endpoint& server);

[[nodiscard]] Outcome failed(std::string reason);
[[nodiscard]] Outcome passed(std::string reason);

inline constexpr std::string_view kWhileWaiting = "while waiting for the answer";

}  // namespace holdfast::health

// wire/mqtt/text.h: what may stand in the texts and topic names of MQTT.
//
// Source: MQTT5 1.5.4, 4.7; MQTT311 1.5.3, 4.7. Thread: pure functions.
// Cost: eight bytes of ASCII at a time; other texts are walked character by character.
#pragma once

#include <string_view>

#include "wire/mqtt/reason.h"

namespace holdfast::wire::mqtt {

// UTF-8 without U+0000 and surrogates. Other control characters and non-characters are allowed, a byte order mark is a
// character like others. Null when it is so.
[[nodiscard]] const Fault* check_text(std::string_view text, Version version) noexcept;

// A text without the wildcards `+` and `#`; may be empty.
[[nodiscard]] const Fault* check_topic(std::string_view topic, Version version) noexcept;

}  // namespace holdfast::wire::mqtt

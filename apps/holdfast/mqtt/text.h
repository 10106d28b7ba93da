// apps/holdfast/mqtt/text.h: what MQTT says, in words for people and for JSON.
//
// Thread: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/mqtt/reason.h"

namespace holdfast::app {

// "not authorized (0x87)".
[[nodiscard]] std::string reason_text(wire::mqtt::Reason reason);
// Without the number: "not authorized".
[[nodiscard]] std::string reason_name(wire::mqtt::Reason reason);
// The refusal that a broker gives a client for who it is, and not for what it does.
[[nodiscard]] bool is_not_allowed(wire::mqtt::Reason reason) noexcept;
// "MQTT 3.1.1".
[[nodiscard]] const char* version_name(wire::mqtt::Version version) noexcept;

[[nodiscard]] std::string_view as_text(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] std::span<const std::byte> as_bytes(std::string_view text) noexcept;
// RFC 4648 section 4, with padding.
[[nodiscard]] std::string base64(std::span<const std::byte> bytes);
// Each "{n}" becomes the number.
[[nodiscard]] std::string with_number(std::string_view text, std::uint64_t number);

// Checks of options; empty when all is well.
[[nodiscard]] std::string check_text(const std::string& text);
[[nodiscard]] std::string check_topic(const std::string& text);   // of a message: without wildcards
[[nodiscard]] std::string check_filter(const std::string& text);  // its characters only: the rest is the broker's

}  // namespace holdfast::app

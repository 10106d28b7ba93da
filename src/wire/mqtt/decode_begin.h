// wire/mqtt/decode_begin.h: how every decoder begins. Only for the files of this folder.
#pragma once

#include <cstdlib>

#include "wire/mqtt/decode.h"

namespace holdfast::wire::mqtt {

// Holds the caller to the body it promised, and judges the header.
[[nodiscard]] inline const Fault* begin(const Header& header, Body body, Version version, Sender sender) noexcept {
  if (body.size() != header.body_bytes) std::abort();
  return check_header(header, version, sender);
}

}  // namespace holdfast::wire::mqtt

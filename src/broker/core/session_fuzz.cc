// Any bytes lead client, network and router: what a session owes to a client holds.
#include <cstdint>
#include <span>

#include "broker/core/session_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast::broker;
  Choices choices(std::span(data, size));
  const auto kind = choices.one_in(3) ? ClientKind::hostile : ClientKind::honest;
  SessionExercise(choices, kind).run();
  return 0;
}

// Any bytes lead what is done: it says what its model says.
#include <cstdint>
#include <span>

#include "broker/core/retained_tree_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::broker::Choices choices(std::span(data, size));
  holdfast::broker::RetainedTreeExercise(choices).run();
  return 0;
}

// A session beside an honest and a hostile client, at random.
#include "broker/core/session_exercise.h"

#include <gtest/gtest.h>

namespace holdfast::broker {
namespace {

//= MQTT5 [MQTT-4.3.3-10] type=test
//= MQTT5 [MQTT-4.4.0-1] type=test
//= MQTT5 [MQTT-4.6.0-5] type=test
//= MQTT5 [MQTT-4.9.0-2] type=test
TEST(Session, HoldsForAnHonestClientWhateverTheNetworkDoes) {
  exercise_at_random([](Choices& choices) { SessionExercise(choices, ClientKind::honest).run(); }, 1, 1000);
}

TEST(Session, HoldsForAHostileClientWhatCanHold) {
  exercise_at_random([](Choices& choices) { SessionExercise(choices, ClientKind::hostile).run(); }, 2, 500);
}

}  // namespace
}  // namespace holdfast::broker

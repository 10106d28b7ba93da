// Every tree beside its model, at random.
#include "broker/core/tree_exercise.h"

#include <gtest/gtest.h>

#include "broker/core/retained_tree_exercise.h"
#include "broker/core/route_table_exercise.h"
#include "broker/core/share_groups_exercise.h"
#include "broker/core/topic_tree_exercise.h"

namespace holdfast::broker {
namespace {

TEST(TopicTree, SaysWhatItsModelSays) {
  exercise_at_random([](Choices& choices) { TopicTreeExercise(choices).run(); }, 1, 300);
}
TEST(RetainedTree, SaysWhatItsModelSays) {
  exercise_at_random([](Choices& choices) { RetainedTreeExercise(choices).run(); }, 2, 300);
}
TEST(RouteTable, SaysWhatItsModelSays) {
  exercise_at_random([](Choices& choices) { RouteTableExercise(choices).run(); }, 3, 300);
}
TEST(ShareGroups, SayWhatTheirModelSays) {
  exercise_at_random([](Choices& choices) { ShareGroupsExercise(choices).run(); }, 4, 300);
}

}  // namespace
}  // namespace holdfast::broker

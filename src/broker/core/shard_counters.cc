#include "broker/core/shard_counters.h"

namespace holdfast::broker {

const char* name(RefusedTopic reason) noexcept {
  switch (reason) {
    case RefusedTopic::too_long: return "too_long";
    case RefusedTopic::too_deep: return "too_deep";
    case RefusedTopic::delayed: return "delayed";
    case RefusedTopic::made: return "made";
  }
  return "";
}

}  // namespace holdfast::broker

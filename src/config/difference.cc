#include "config/difference.h"

#include <utility>

#include "config/schema.h"

namespace holdfast::config {

std::vector<Change> difference(const Settings& running, const Settings& wanted) {
  std::vector<Change> found;
  schema().compare(running, wanted, Comparing(found));
  return found;
}

Settings without_restart(const Settings& running, Settings wanted) {
  schema().keep(running, wanted);
  return wanted;
}

}  // namespace holdfast::config

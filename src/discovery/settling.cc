#include "discovery/settling.h"

namespace holdfast::discovery {

Settling::Next Settling::see(const FileState& state, base::Time now) {
  if (settled_ == state && now - read_at_ < limits_.reread) {
    seen_.reset();
    restless_since_.reset();
    return Next::nothing;
  }
  if (!restless_since_) restless_since_ = now;
  if (seen_ != state) {
    seen_ = state;
    seen_at_ = now;
  }
  if (now - seen_at_ >= limits_.settle) return Next::read;
  return now - *restless_since_ >= limits_.restless ? Next::complain : Next::look_again;
}

void Settling::settled(const FileState& state, base::Time now) {
  settled_ = state;
  read_at_ = now;
  restless_since_.reset();
}

void Settling::unsettled() {
  settled_.reset();
  restless_since_.reset();
}

}  // namespace holdfast::discovery

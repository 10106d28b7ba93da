#include "load/settings.h"

#include <cerrno>

namespace holdfast::load {

const char* name(Failure failure) noexcept {
  switch (failure) {
    case Failure::refused: return "refused";
    case Failure::reset: return "reset";
    case Failure::timeout: return "timeout";
    case Failure::unreachable: return "unreachable";
    case Failure::exhausted: return "exhausted";
    case Failure::ended: return "ended";
    case Failure::wrong_reply: return "wrong_reply";
    case Failure::unanswered: return "unanswered";
    case Failure::unsent: return "unsent";
    case Failure::rejected: return "rejected";
    case Failure::other: break;
  }
  return "other";
}

Failure failure_of(const base::Error& error) noexcept {
  switch (error.code) {
    case base::Errc::refused: return Failure::refused;
    case base::Errc::reset: return Failure::reset;
    case base::Errc::timeout: return Failure::timeout;
    case base::Errc::unreachable: return Failure::unreachable;
    case base::Errc::exhausted: return Failure::exhausted;
    default: return Failure::other;
  }
}

Failure failure_of(int system_errno) noexcept {
  if (system_errno == 0) return Failure::ended;
  errno = system_errno;
  return failure_of(base::system_error("connection"));
}

}  // namespace holdfast::load

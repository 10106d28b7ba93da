#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace holdfast::base {

const char* name(Errc code) noexcept {
  switch (code) {
    case Errc::system: return "system error";
    case Errc::timeout: return "timeout";
    case Errc::refused: return "refused";
    case Errc::reset: return "reset";
    case Errc::unreachable: return "unreachable";
    case Errc::exhausted: return "exhausted";
    case Errc::malformed: return "malformed";
    case Errc::not_found: return "not found";
    case Errc::exists: return "exists already";
    case Errc::unsupported: return "unsupported";
  }
  return "unknown";
}

std::string Error::text() const {
  std::string text = where;
  text += ": ";
  text += system_errno == 0 ? name(code) : std::generic_category().message(system_errno);
  return text;
}

Error system_error(const char* where, Side side) noexcept {
  const int number = errno;
  Errc code = Errc::system;
  switch (number) {
    case ECONNREFUSED: code = Errc::refused; break;
    case ECONNRESET:
    case EPIPE: code = Errc::reset; break;
    case ETIMEDOUT: code = Errc::timeout; break;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN: code = Errc::unreachable; break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL: code = Errc::exhausted; break;
    case ENOENT: code = Errc::not_found; break;
    default: break;
  }
  return Error{code, side, number, where};
}

}  // namespace holdfast::base

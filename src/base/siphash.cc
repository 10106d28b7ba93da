#include "base/siphash.h"

#include <sys/random.h>

#include <cstdlib>

namespace holdfast::base {

SipKey random_sip_key() {
  SipKey key;
  if (::getrandom(&key, sizeof key, 0) != static_cast<ssize_t>(sizeof key)) std::abort();
  return key;
}

}  // namespace holdfast::base

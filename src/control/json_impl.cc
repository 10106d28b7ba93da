// The one place where Boost.JSON is compiled; Debian's package has its headers only.
#include <boost/json/src.hpp>

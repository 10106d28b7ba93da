// The one place where Asio and Beast are compiled; everywhere else they are only declared.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

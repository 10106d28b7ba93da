// control/task.h: what a coroutine of the control plane returns.
//
// Thread: the control thread. A Task does nothing until it is awaited or given to Runtime::spawn().
// Rules:  g++ 12 miscompiles some of what the language allows, so: parameters by value; co_await only as a whole
//         statement or as the initialiser of a named local, and its arguments are named too (no temporary strings);
//         no arrays in the frame. A lambda with captures must outlive the coroutine that it makes.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace holdfast::control {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace holdfast::control

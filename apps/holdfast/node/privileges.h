// apps/holdfast/node/privileges.h: a process that root has started becomes an ordinary user once its sockets are bound.
//
//   renounce_privileges_of_programs(user);   // before the first thread
//   ... bind ...
//   become_user(user);                       // on the control thread, before a worker starts
//
// Thread: two steps, because the kernel keeps these things for each thread, and a thread inherits them when it begins.
//         Ids change for all threads at once (glibc sees to that), and those that are there lose every capability.
// Errors: std::runtime_error with a text for the operator: there is no such user, or only root may. The process may be
//         half changed then, and must end.
// Source: capabilities(7), "Effect of user ID changes on capabilities"; PR_SET_NO_NEW_PRIVS in prctl(2).
#pragma once

#include <string>

namespace holdfast::app {

// From now on no program that is executed gets more than CAP_NET_BIND_SERVICE, whatever its file says. Nothing to do
// when the process is the user `name` already: then it keeps what it was started with (AmbientCapabilities=).
void renounce_privileges_of_programs(const std::string& name);

// Takes the ids and the groups of the user. Of the capabilities this thread, and those that it starts, keep at most
// CAP_NET_BIND_SERVICE, so that a reload can bind a port below 1024. There is no way back.
void become_user(const std::string& name);

}  // namespace holdfast::app

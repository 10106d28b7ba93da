// apps/holdfast/bench.h: what the files of `holdfast bench` share.
#pragma once

#include <cstdio>
#include <string>

#include "base/result.h"
#include "commands.h"
#include "net/address.h"
#include "net/socket.h"

namespace holdfast::app {

// Says what went wrong on standard error and gives `status` back.
ExitStatus fail(ExitStatus status, const std::string& what);
void print_line(std::FILE* to, const std::string& line);

// Readable once the user has asked to end. Blocks the signals for this thread and all that it starts.
[[nodiscard]] net::Fd open_interrupt();
[[nodiscard]] base::Result<net::SocketAddress> address_of(const std::string& text);

// `bench serve`, in bench_serve.cc.
void add_bench_serve(CLI::App& bench, int& exit_status);

}  // namespace holdfast::app

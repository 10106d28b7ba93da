// apps/holdfast/bench.h: what the files of `holdfast bench` share.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
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

// --source. Nothing when one of them is not an address of that family; the user has been told.
[[nodiscard]] std::optional<std::vector<net::SocketAddress>> sources_of(const std::vector<std::string>& texts,
                                                                        int family);
// Makes room for so many connections. False, and an exit status, when there are not as many descriptors.
[[nodiscard]] bool enough_descriptors(std::uint64_t connections, int& exit_status);
// An option that reads "200ms", "10s", "1m" into `into`, at most `max`.
CLI::Option* add_duration(CLI::App& app, const std::string& flag, base::Duration& into, base::Duration max,
                          const std::string& about);

// An option that reads "2000/s" or "2000" into `into`: a whole number a second, 1 to `max`.
CLI::Option* add_rate(CLI::App& app, const std::string& flag, std::uint64_t& into, std::uint64_t max,
                      const std::string& about);

// `bench mqtt`, in bench_mqtt.cc.
void add_bench_mqtt(CLI::App& bench, int& exit_status);
// `bench serve`, in bench_serve.cc.
void add_bench_serve(CLI::App& bench, int& exit_status);

}  // namespace holdfast::app
